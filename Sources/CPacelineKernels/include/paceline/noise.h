#ifndef PACELINE_NOISE_H
#define PACELINE_NOISE_H

#include <stdint.h>

#include "paceline/cpu.h"

/// Counter-based random bits: Philox4x32-10 (Salmon et al., SC'11) keyed by `seed`, counter (position, index / 4),
/// output word index % 4.
uint32_t pl_noise_bits(uint64_t seed, uint64_t position, uint32_t index);

/// A uniform in (0, 1), never 0 nor 1, from pl_noise_bits.
float pl_noise_uniform(uint64_t seed, uint64_t position, uint32_t index);

/// Standard Gumbel noise -log(-log(U)) for token `index` at absolute `position` of a request with `seed`.
float pl_noise_gumbel(uint64_t seed, uint64_t position, uint32_t index);

/// out[i] = x[i] + gumbel(seed, position, i) for i in 0 ..< count: the perturbed logits whose argmax is a sample.
void pl_noise_perturb(pl_isa isa, uint64_t seed, uint64_t position, const float *x, float *out, int64_t count);

#endif
