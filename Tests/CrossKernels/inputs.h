#ifndef CROSS_KERNELS_INPUTS_H
#define CROSS_KERNELS_INPUTS_H

#include <stddef.h>
#include <stdint.h>

#include "paceline/quant.h"

/// Random inputs from a seed (SplitMix64), the same on every CPU.
typedef struct inputs {
    uint64_t state;
} inputs;

uint64_t next(inputs *in);

/// A number in 0 ..< limit.
int64_t below(inputs *in, int64_t limit);

/// `count` floats in -scale ..< scale. The caller frees them.
float *floats(inputs *in, size_t count, float scale);

/// Random bits, and in every third place a value that breaks kernels: infinities, NaN, subnormals, limits of ranges.
/// The caller frees them.
float *patterns(inputs *in, size_t count);

/// The kind of weights in a block.
typedef enum weights {
    ORDINARY,   ///< random codes, scales between 2^-7 and 1 of either sign
    LARGEST,    ///< bytes all ones or all zeros, the largest half as scale: the largest sums in a kernel
    SUBNORMAL,  ///< random codes, subnormal scales
} weights;

const char *weights_name(weights kind);

/// `count` blocks of a quantised type, in the file's format. The caller frees them.
uint8_t *weight_blocks(inputs *in, pl_type type, size_t count, weights kind);

#endif
