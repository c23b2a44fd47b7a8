#ifndef PACELINE_NOISE_KERNELS_H
#define PACELINE_NOISE_KERNELS_H

#include <stdint.h>

/// pl_noise_perturb for one instruction set.
typedef void (*pl_noise_perturb_kernel)(uint64_t seed, uint64_t position, const float *x, float *out, int64_t count);

void pl_noise_perturb_scalar(uint64_t seed, uint64_t position, const float *x, float *out, int64_t count);
#if defined(__x86_64__)
void pl_noise_perturb_avx2(uint64_t seed, uint64_t position, const float *x, float *out, int64_t count);
void pl_noise_perturb_avx512(uint64_t seed, uint64_t position, const float *x, float *out, int64_t count);
#elif defined(__aarch64__)
void pl_noise_perturb_neon(uint64_t seed, uint64_t position, const float *x, float *out, int64_t count);
#endif

#endif
