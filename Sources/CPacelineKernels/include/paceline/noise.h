#ifndef PACELINE_NOISE_H
#define PACELINE_NOISE_H

#include <stdint.h>

#include "paceline/cpu.h"

/// Philox4x32 with ten rounds (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC'11).
void pl_philox4x32_10(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

/// Counter-based random bits: Philox4x32-10 keyed by `seed`, counter (position low, position high, index / 4, 0),
/// output word index % 4.
uint32_t pl_noise_bits(uint64_t seed, uint64_t position, uint32_t index);

/// A uniform in [2^-32, 1 - 2^-24], so never 0 nor 1: the upper 31 of pl_noise_bits over 2^31, rounded to float32.
float pl_noise_uniform(uint64_t seed, uint64_t position, uint32_t index);

/// Standard Gumbel noise -log(-log(1 - u)) for token `index` at absolute `position` of a request with `seed`. u is the
/// uniform above; it is finest near 0, where the noise is large.
float pl_noise_gumbel(uint64_t seed, uint64_t position, uint32_t index);

/// out[i] = x[i] + gumbel(seed, position, i) for i in 0 ..< count: the perturbed logits whose argmax is a sample.
void pl_noise_perturb(pl_isa isa, uint64_t seed, uint64_t position, const float *x, float *out, int64_t count);

#endif
