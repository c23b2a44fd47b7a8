#include "elementwise/kernels.h"
#include "isa/dispatch.h"

static const pl_elementwise_kernels *kernels(pl_isa isa) { return PL_VARIANT(isa, &pl_elementwise); }

void pl_exp(pl_isa isa, const float *x, float *y, int64_t count) { kernels(isa)->exp(x, y, count); }

void pl_log(pl_isa isa, const float *x, float *y, int64_t count) { kernels(isa)->log(x, y, count); }

void pl_rms_norm(pl_isa isa, const float *x, const float *weight, float eps, float *out, int64_t count) {
    kernels(isa)->rms_norm(x, weight, eps, out, count);
}

void pl_add(pl_isa isa, float *x, const float *y, int64_t count) { kernels(isa)->add(x, y, count); }

void pl_silu_multiply(pl_isa isa, float *gate, const float *up, int64_t count) {
    kernels(isa)->silu_multiply(gate, up, count);
}

void pl_gelu_multiply(pl_isa isa, float *gate, const float *up, int64_t count) {
    kernels(isa)->gelu_multiply(gate, up, count);
}

void pl_scale(float *x, float factor, int64_t count) {
    for (int64_t i = 0; i < count; ++i) x[i] *= factor;
}

void pl_rope(
    pl_isa isa, float *x, int64_t heads, int64_t head_dim, int64_t dims, const float *cosines, const float *sines,
    int neox) {
    const pl_elementwise_kernels *k = kernels(isa);
    for (int64_t head = 0; head < heads; ++head) {
        (neox ? k->rope_halves : k->rope_pairs)(x + head * head_dim, dims, cosines, sines);
    }
}

int64_t pl_argmax(pl_isa isa, const float *x, int64_t count, float *largest) {
    return kernels(isa)->argmax(x, count, largest);
}

double pl_sum_exp(pl_isa isa, const float *x, float shift, int64_t count) {
    return kernels(isa)->sum_exp(x, shift, count);
}

void pl_to_half(pl_isa isa, const float *x, uint16_t *y, int64_t count) { kernels(isa)->to_half(x, y, count); }

void pl_from_half(pl_isa isa, const uint16_t *x, float *y, int64_t count) { kernels(isa)->from_half(x, y, count); }
