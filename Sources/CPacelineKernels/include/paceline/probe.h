#ifndef PACELINE_PROBE_H
#define PACELINE_PROBE_H

#include <stddef.h>
#include <stdint.h>

#include "paceline/cpu.h"
#include "paceline/pool.h"

/// Reads `bytes` bytes (a multiple of 64; 64-byte aligned) once, shared among the threads of `pool`, and returns a value
/// that depends on all of them: what memory bandwidth is measured with.
uint64_t pl_probe_read(pl_isa isa, pl_pool *pool, const void *data, size_t bytes);

/// Runs `rounds` rounds of int8 dot products in registers on every thread of `pool` and returns how many
/// multiply-accumulates that were; `sink` receives a value that depends on them.
uint64_t pl_probe_int8(pl_isa isa, pl_pool *pool, uint64_t rounds, uint64_t *sink);

/// The same for float32 fused multiply-adds.
uint64_t pl_probe_float(pl_isa isa, pl_pool *pool, uint64_t rounds, uint64_t *sink);

#endif
