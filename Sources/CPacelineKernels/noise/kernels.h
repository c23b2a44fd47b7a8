#ifndef PACELINE_NOISE_KERNELS_H
#define PACELINE_NOISE_KERNELS_H

#include <stdint.h>

/// pl_noise_perturb for one instruction set.
typedef void pl_noise_kernel(uint64_t seed, uint64_t position, const float *x, float *out, int64_t count);

pl_noise_kernel pl_noise_perturb_scalar, pl_noise_perturb_avx2, pl_noise_perturb_avx512, pl_noise_perturb_neon;

#endif
