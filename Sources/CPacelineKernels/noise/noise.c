#include "paceline/noise.h"

#include "isa/dispatch.h"
#include "noise/kernels.h"

void pl_noise_perturb(pl_isa isa, uint64_t seed, uint64_t position, const float *x, float *out, int64_t count) {
    PL_VARIANT(isa, pl_noise_perturb)(seed, position, x, out, count);
}
