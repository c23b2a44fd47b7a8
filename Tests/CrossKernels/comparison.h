#ifndef CROSS_KERNELS_COMPARISON_H
#define CROSS_KERNELS_COMPARISON_H

#include <stddef.h>
#include <stdint.h>

#include "paceline/cpu.h"

/// The comparison of one family of kernels with its scalar twin, on every instruction set of this CPU.
typedef struct comparison {
    const char *family;
    const pl_isa *isas;  ///< without the scalar set
    int isa_count;
    char label[160];  ///< of the current case
    int64_t cases;
    int64_t values;
    uint64_t digest;  ///< of the scalar twins' outputs; the same on every CPU
} comparison;

/// The element type of an output.
typedef enum element {
    BYTES,
    HALVES,
    FLOAT_BITS,
    FLOATS,   ///< all NaN are equal, because the payload of a computed NaN is undefined
    DOUBLES,  ///< all NaN are equal
} element;

/// Computes a case with the kernels of `isa` into `out`, which is aligned to 64 bytes and has the same contents before
/// each call.
typedef void (*compute)(const void *context, pl_isa isa, void *out);

/// Sets the name of the next case, formatted as by printf.
__attribute__((format(printf, 2, 3))) void describe(comparison *c, const char *format, ...);

/// Computes one case with the scalar kernels and with each instruction set. At the first difference, or if a kernel
/// writes beyond its `count` elements, ends the process with a message.
void compare(comparison *c, compute compute, const void *context, element element, size_t count);

/// Allocates memory aligned to 64 bytes; ends the process if there is none.
void *allocate(size_t bytes);

#endif
