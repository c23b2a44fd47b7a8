#ifndef CROSS_KERNELS_COMPARISON_H
#define CROSS_KERNELS_COMPARISON_H

#include <stddef.h>
#include <stdint.h>

#include "paceline/cpu.h"

/// The comparison of one family of kernels with its scalar twin, on as many instruction sets as this CPU has.
typedef struct comparison {
    const char *family;
    const pl_isa *isas;  ///< without the scalar one
    int isa_count;
    char label[160];  ///< of the case that is being compared
    int64_t cases;
    int64_t values;
    uint64_t digest;  ///< of the scalar twins' outputs: the same on every CPU
} comparison;

/// What an output is made of.
typedef enum element {
    BYTES,
    HALVES,
    FLOAT_BITS,
    FLOATS,   ///< any NaN equals any other: the payload of a NaN that arithmetic makes is not defined
    DOUBLES,  ///< the same
} element;

/// Computes a case with the kernels of `isa` into `out`. `out` is aligned to 64 bytes, with the same contents before
/// every instruction set.
typedef void (*compute)(const void *context, pl_isa isa, void *out);

/// Names the next case, as printf does.
__attribute__((format(printf, 2, 3))) void describe(comparison *c, const char *format, ...);

/// Computes one case with the scalar kernels and with each instruction set. Ends the process with a message at the
/// first difference, and when a kernel writes beyond its `count` elements.
void compare(comparison *c, compute compute, const void *context, element element, size_t count);

/// Memory that is aligned to 64 bytes; ends the process when there is none.
void *allocate(size_t bytes);

#endif
