// exp and log over sixteen lanes. Included after a lanes_*.h header; each line is the same operation as in
// math_scalar.h.

#include "math_constants.h"

PL_INLINE vf vf_exp(vf x) {
    vf rounder = vf_set1(PL_EXP_ROUNDER);
    vf shifted = vf_fma(x, vf_set1(PL_LOG2_E), rounder);
    vf n = vf_sub(shifted, rounder);
    vf r = vf_fnma(n, vf_set1(PL_LN2_HIGH), x);
    r = vf_fnma(n, vf_set1(PL_LN2_LOW), r);
    vf p = vf_fma(vf_set1(PL_EXP_E6), r, vf_set1(PL_EXP_E5));
    p = vf_fma(p, r, vf_set1(PL_EXP_E4));
    p = vf_fma(p, r, vf_set1(PL_EXP_E3));
    p = vf_fma(p, r, vf_set1(PL_EXP_E2));
    p = vf_add(vf_fma(p, vf_mul(r, r), r), vf_set1(1));
    vf y = vi_as_float(vi_add(vf_bits(p), vi_shift_left(vf_bits(shifted), 23)));
    y = vf_select(vf_greater(x, vf_set1(PL_EXP_LARGEST)), vf_set1(PL_INFINITY), y);
    y = vf_select(vf_less(x, vf_set1(PL_EXP_SMALLEST)), vf_set1(0), y);
    return vf_select(vf_equal(x, x), y, vf_set1(PL_NAN));
}

/// n ln 2 + log(1 + f)
PL_INLINE vf vf_log_sum(vf n, vf f) {
    vf p = vf_fma(vf_set1(PL_LOG_L10), f, vf_set1(PL_LOG_L9));
    p = vf_fma(p, f, vf_set1(PL_LOG_L8));
    p = vf_fma(p, f, vf_set1(PL_LOG_L7));
    p = vf_fma(p, f, vf_set1(PL_LOG_L6));
    p = vf_fma(p, f, vf_set1(PL_LOG_L5));
    p = vf_fma(p, f, vf_set1(PL_LOG_L4));
    p = vf_fma(p, f, vf_set1(PL_LOG_L3));
    vf square = vf_mul(f, f);
    vf tail = vf_fma(n, vf_set1(PL_LN2_LOW), vf_mul(p, vf_mul(square, f)));
    tail = vf_fnma(vf_set1(0.5f), square, tail);
    return vf_fma(n, vf_set1(PL_LN2_HIGH), vf_add(f, tail));
}

PL_INLINE vf vf_log(vf x) {
    vm subnormal = vf_less(x, vf_set1(PL_SMALLEST_NORMAL));
    vi bits = vf_bits(vf_select(subnormal, vf_mul(x, vf_set1(0x1p23f)), x));
    vi n = vi_shift_arithmetic(vi_sub(bits, vi_set1(PL_LOG_SPLIT)), 23);
    vf f = vf_sub(vi_as_float(vi_sub(bits, vi_shift_left(n, 23))), vf_set1(1));
    vf shift = vf_select(subnormal, vf_set1(23), vf_set1(0));
    vf y = vf_log_sum(vf_sub(vi_to_float(n), shift), f);
    y = vf_select(vf_equal(x, vf_set1(0)), vf_set1(-PL_INFINITY), y);
    y = vf_select(vf_equal(x, vf_set1(PL_INFINITY)), x, y);
    return vf_select(vf_at_least(x, vf_set1(0)), y, vf_set1(PL_NAN));
}
