#include "elementwise/kernels.h"
#include "elementwise/math_scalar.h"

// The scalar twins: they define the bits of every element-wise kernel. A sum has sixteen interleaved accumulators,
// element i in accumulator i % 16, added up by halving.

enum { LANES = 16 };

float pl_expf(float x) { return pl_exp_scalar(x); }
float pl_logf(float x) { return pl_log_scalar(x); }

static void exp_scalar(const float *x, float *y, int64_t count) {
    for (int64_t i = 0; i < count; ++i) y[i] = pl_exp_scalar(x[i]);
}

static void log_scalar(const float *x, float *y, int64_t count) {
    for (int64_t i = 0; i < count; ++i) y[i] = pl_log_scalar(x[i]);
}

static void rms_norm_scalar(const float *x, const float *weight, float eps, float *out, int64_t count) {
    float lanes[LANES] = {0};
    for (int64_t i = 0; i < count; ++i) lanes[i % LANES] = __builtin_fmaf(x[i], x[i], lanes[i % LANES]);
    float inverse = 1.0f / __builtin_sqrtf(pl_sum_lanes(lanes) / (float)count + eps);
    for (int64_t i = 0; i < count; ++i) out[i] = x[i] * inverse * weight[i];
}

static void add_scalar(float *x, const float *y, int64_t count) {
    for (int64_t i = 0; i < count; ++i) x[i] += y[i];
}

static void silu_multiply_scalar(float *gate, const float *up, int64_t count) {
    for (int64_t i = 0; i < count; ++i) gate[i] = gate[i] / (1.0f + pl_exp_scalar(-gate[i])) * up[i];
}

static void gelu_multiply_scalar(float *gate, const float *up, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
        float x = gate[i];
        float inner = x * __builtin_fmaf(x * x, PL_GELU_CUBIC, PL_GELU_LINEAR);
        gate[i] = x / (1.0f + pl_exp_scalar(-inner)) * up[i];
    }
}

/// Rotates the point (x, y) by the angle whose cosine and sine are c and s.
static inline void rotate(float *x, float *y, float c, float s) {
    float a = *x, b = *y;
    *x = __builtin_fmaf(a, c, -(b * s));
    *y = __builtin_fmaf(b, c, a * s);
}

static void rope_halves_scalar(float *head, int64_t dims, const float *cosines, const float *sines) {
    for (int64_t i = 0; i < dims / 2; ++i) rotate(&head[i], &head[i + dims / 2], cosines[i], sines[i]);
}

static void rope_pairs_scalar(float *head, int64_t dims, const float *cosines, const float *sines) {
    for (int64_t i = 0; i < dims / 2; ++i) rotate(&head[2 * i], &head[2 * i + 1], cosines[i], sines[i]);
}

static int64_t argmax_scalar(const float *x, int64_t count, float *largest) {
    int64_t best = 0;
    *largest = -PL_INFINITY;
    for (int64_t i = 0; i < count; ++i) {
        if (!(x[i] > *largest)) continue;
        best = i;
        *largest = x[i];
    }
    return best;
}

static double sum_exp_scalar(const float *x, float shift, int64_t count) {
    double lanes[LANES] = {0};
    for (int64_t i = 0; i < count; ++i) lanes[i % LANES] += (double)pl_exp_scalar(x[i] - shift);
    for (int half = LANES / 2; half > 0; half /= 2) {
        for (int i = 0; i < half; ++i) lanes[i] += lanes[i + half];
    }
    return lanes[0];
}

static uint16_t half_from_float(float x) {
    uint32_t bits = pl_bits(x);
    uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
    uint32_t magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000) return (uint16_t)(sign | 0x7e00 | (magnitude >> 13 & 0x3ff));  // a quiet NaN
    if (magnitude >= 0x477ff000) return sign | 0x7c00;  // 65520 and above round to infinity
    uint32_t significand = magnitude, drop = 13;        // low bits that half precision has no room for
    if (magnitude < 0x38800000) {                       // below 2^-14: a subnormal, in units of 2^-24
        uint32_t exponent = magnitude >> 23;
        if (exponent < 102) return sign;  // below 2^-25
        significand = (magnitude & 0x7fffff) | 0x800000;
        drop = 126 - exponent;
    } else {
        significand -= (127 - 15) << 23;
    }
    uint32_t result = significand >> drop, rest = significand & ((1u << drop) - 1), tie = 1u << (drop - 1);
    result += rest > tie || (rest == tie && (result & 1));
    return (uint16_t)(sign | result);
}

static float float_from_half(uint16_t half) {
    uint32_t sign = (uint32_t)(half & 0x8000) << 16, magnitude = half & 0x7fff;
    if (magnitude > 0x7c00) return pl_from_bits(sign | 0x7fc00000 | magnitude << 13);  // a quiet NaN
    if (magnitude == 0x7c00) return pl_from_bits(sign | 0x7f800000);
    if (magnitude >= 0x400) return pl_from_bits(sign | ((magnitude << 13) + ((127 - 15) << 23)));
    return pl_from_bits(sign | pl_bits((float)magnitude * 0x1p-24f));
}

static void to_half_scalar(const float *x, uint16_t *y, int64_t count) {
    for (int64_t i = 0; i < count; ++i) y[i] = half_from_float(x[i]);
}

static void from_half_scalar(const uint16_t *x, float *y, int64_t count) {
    for (int64_t i = 0; i < count; ++i) y[i] = float_from_half(x[i]);
}

const pl_elementwise_kernels pl_elementwise_scalar = {
    .exp = exp_scalar,
    .log = log_scalar,
    .rms_norm = rms_norm_scalar,
    .add = add_scalar,
    .silu_multiply = silu_multiply_scalar,
    .gelu_multiply = gelu_multiply_scalar,
    .rope_halves = rope_halves_scalar,
    .rope_pairs = rope_pairs_scalar,
    .argmax = argmax_scalar,
    .sum_exp = sum_exp_scalar,
    .to_half = to_half_scalar,
    .from_half = from_half_scalar,
};
