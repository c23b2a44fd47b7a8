#include "paceline/noise.h"
#include "noise/kernels.h"

static pl_noise_perturb_kernel kernel(pl_isa isa) {
    switch (isa) {
#if defined(__x86_64__)
    case PL_ISA_AVX2: return pl_noise_perturb_avx2;
    case PL_ISA_AVX512: return pl_noise_perturb_avx512;
#elif defined(__aarch64__)
    case PL_ISA_NEON: return pl_noise_perturb_neon;
#endif
    default: return pl_noise_perturb_scalar;
    }
}

void pl_noise_perturb(pl_isa isa, uint64_t seed, uint64_t position, const float *x, float *out, int64_t count) {
    kernel(isa)(seed, position, x, out, count);
}
