#ifndef PACELINE_PROBE_H
#define PACELINE_PROBE_H

#include <stddef.h>
#include <stdint.h>

#include "paceline/cpu.h"
#include "paceline/pool.h"
#include "paceline/quant.h"

/// Reads `bytes` bytes (a multiple of 64; 64-byte aligned) once, shared among the threads of `pool`, to measure the
/// bandwidth of memory. Returns a value that depends on all of them.
uint64_t pl_probe_read(pl_isa isa, pl_pool *pool, const void *data, size_t bytes);

/// The same, but multiplies the memory, as 4-bit codes, by one activation row: the most that a product with one row
/// could reach. A core that computes has fewer reads in flight than one that only reads.
uint64_t pl_probe_read_codes(pl_isa isa, pl_pool *pool, const void *data, size_t bytes);

/// Runs `rounds` rounds of int8 dot products in registers on every thread of `pool` and returns how many
/// multiply-accumulates that were; `sink` receives a value that depends on them.
uint64_t pl_probe_int8(pl_isa isa, pl_pool *pool, uint64_t rounds, uint64_t *sink);

/// The same for float32 fused multiply-adds.
uint64_t pl_probe_float(pl_isa isa, pl_pool *pool, uint64_t rounds, uint64_t *sink);

/// Multiplies a tile of weights that stays in the caches by `rows` rows, `rounds` times in each of a fixed number of
/// items. This gives the speed of the kernel of `type` where memory does not limit it. Returns the number of
/// multiply-accumulates, or 0 for types without tile kernels (float ones) and if there is no memory.
uint64_t pl_probe_kernel(pl_isa isa, pl_pool *pool, pl_type type, int64_t rows, uint64_t rounds);

#endif
