#ifndef PACELINE_PREFETCH_H
#define PACELINE_PREFETCH_H

#include <stdint.h>

/// How far ahead of its reading memory is fetched, into the second-level cache and from there into the first.
///
/// What is fetched from memory straight into the first level occupies one of its few fill buffers until it arrives, and
/// loads of other lines then wait. On a Xeon of 2023, kernels that multiply what they read got four fifths of the
/// bandwidth that way, 95 % in two steps, and two thirds from the hardware's prefetchers alone.
enum { PL_PREFETCH_FAR_BYTES = 16384, PL_PREFETCH_NEAR_BYTES = 4096 };

/// Asks for the cache lines that will be read when reading has come from `line` to them. They may lie beyond the end of
/// what is read: nothing is accessed.
static inline __attribute__((always_inline)) void pl_prefetch_ahead(const uint8_t *line) {
    __builtin_prefetch(line + PL_PREFETCH_FAR_BYTES, 0, 2);
    __builtin_prefetch(line + PL_PREFETCH_NEAR_BYTES);
}

#endif
