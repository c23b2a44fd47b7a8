#ifndef PACELINE_PREFETCH_H
#define PACELINE_PREFETCH_H

#include <stdint.h>

#include "isa/plain.h"
#include "tuning.h"

/// Asks for the cache lines that follow `line` at both distances. They may lie beyond the end of the memory, as nothing
/// accesses them.
PL_INLINE void pl_prefetch_ahead(const uint8_t *line) {
    __builtin_prefetch(line + PL_PREFETCH_FAR_BYTES, 0, 2);
    __builtin_prefetch(line + PL_PREFETCH_NEAR_BYTES);
}

#endif
