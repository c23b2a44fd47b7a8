#ifndef PACELINE_MATH_SCALAR_H
#define PACELINE_MATH_SCALAR_H

#include "elementwise/math_constants.h"
#include "isa/plain.h"

// Scalar twins that several files need inline: exp, log, and the sum of sixteen lanes.

/// The sum of sixteen lanes by halving: i + (i + 8), then + 4, + 2, + 1. It overwrites them.
static inline float pl_sum_lanes(float lanes[16]) {
    for (int half = 8; half > 0; half /= 2) {
        for (int i = 0; i < half; ++i) lanes[i] += lanes[i + half];
    }
    return lanes[0];
}

static inline float pl_exp_scalar(float x) {
    if (x != x) return PL_NAN;
    if (x > PL_EXP_LARGEST) return PL_INFINITY;
    if (x < PL_EXP_SMALLEST) return 0;
    float shifted = __builtin_fmaf(x, PL_LOG2_E, PL_ROUNDER);
    float n = shifted - PL_ROUNDER;
    float r = __builtin_fmaf(-n, PL_LN2_HIGH, x);
    r = __builtin_fmaf(-n, PL_LN2_LOW, r);
    float p = __builtin_fmaf(PL_EXP_E6, r, PL_EXP_E5);
    p = __builtin_fmaf(p, r, PL_EXP_E4);
    p = __builtin_fmaf(p, r, PL_EXP_E3);
    p = __builtin_fmaf(p, r, PL_EXP_E2);
    p = __builtin_fmaf(p, r * r, r) + 1;
    // 2^n by adding n to the exponent field: within the limits above it neither overflows nor underflows.
    return pl_from_bits(pl_bits(p) + (pl_bits(shifted) << 23));
}

/// n ln 2 + log(1 + f)
static inline float pl_log_sum(float n, float f) {
    float p = __builtin_fmaf(PL_LOG_L10, f, PL_LOG_L9);
    p = __builtin_fmaf(p, f, PL_LOG_L8);
    p = __builtin_fmaf(p, f, PL_LOG_L7);
    p = __builtin_fmaf(p, f, PL_LOG_L6);
    p = __builtin_fmaf(p, f, PL_LOG_L5);
    p = __builtin_fmaf(p, f, PL_LOG_L4);
    p = __builtin_fmaf(p, f, PL_LOG_L3);
    float square = f * f;
    float tail = __builtin_fmaf(n, PL_LN2_LOW, p * (square * f));
    tail = __builtin_fmaf(-0.5f, square, tail);
    return __builtin_fmaf(n, PL_LN2_HIGH, f + tail);
}

static inline float pl_log_scalar(float x) {
    if (!(x >= 0)) return PL_NAN;
    if (x == 0) return -PL_INFINITY;
    if (x == PL_INFINITY) return x;
    int subnormal = x < PL_SMALLEST_NORMAL;
    uint32_t bits = pl_bits(subnormal ? x * 0x1p23f : x);
    int32_t n = (int32_t)(bits - PL_LOG_SPLIT) >> 23;
    float f = pl_from_bits(bits - ((uint32_t)n << 23)) - 1;
    return pl_log_sum((float)n - (subnormal ? 23.0f : 0.0f), f);
}

#endif
