#ifndef PACELINE_PROBE_KERNELS_H
#define PACELINE_PROBE_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "memory/prefetch.h"

/// What one instruction set can do at most. Memory is fetched ahead as the product kernels do it: hardware prefetchers
/// alone would make the limit look lower than it is. Every function returns a value that depends on all that it did.
typedef struct pl_probe_kernels {
    /// Reads `bytes` bytes. Both they and the address are multiples of 64.
    uint64_t (*read)(const uint8_t *data, size_t bytes);
    /// Reads them as 4-bit codes and multiplies each by an activation: the least arithmetic that a product with such
    /// weights needs, without any scale.
    uint64_t (*read_codes)(const uint8_t *data, size_t bytes);
    /// Rounds of int8 dot products in registers, in enough independent chains to hide their latency.
    uint64_t (*int8)(uint64_t rounds);
    /// Rounds of float32 fused multiply-adds.
    uint64_t (*float32)(uint64_t rounds);
    uint64_t int8_per_round;     ///< multiply-accumulates
    uint64_t float32_per_round;  ///< multiply-adds
} pl_probe_kernels;

extern const pl_probe_kernels pl_probe_scalar, pl_probe_avx2, pl_probe_avx512, pl_probe_neon;

/// Plain C, for instruction sets that have nothing better.
uint64_t pl_probe_read_scalar(const uint8_t *data, size_t bytes);
uint64_t pl_probe_read_codes_scalar(const uint8_t *data, size_t bytes);

#endif
