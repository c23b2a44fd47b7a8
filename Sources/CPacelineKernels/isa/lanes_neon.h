#ifndef PACELINE_LANES_NEON_H
#define PACELINE_LANES_NEON_H

#include <arm_neon.h>
#include <stdint.h>

// Sixteen lanes in four NEON registers: part p has lanes 4 p ... 4 p + 3. See lanes_avx512.h.

#define PL_LANES_TARGET
#define PL_LANES(name) name##_neon
#define PL_INLINE static inline __attribute__((always_inline))

typedef struct {
    float32x4_t part[4];
} vf;
typedef struct {
    int32x4_t part[4];
} vi;
typedef struct {
    uint32x4_t part[4];
} vm;  // all bits of a lane are set or clear
typedef struct {
    float64x2_t part[8];
} vd;

// The body of a function: `result` whose part p is `expression`.
#define PL_PARTS(result, expression) \
    result r; \
    for (int p = 0; p < 4; ++p) r.part[p] = expression; \
    return r

PL_INLINE vf vf_load(const float *x) { PL_PARTS(vf, vld1q_f32(x + 4 * p)); }
PL_INLINE void vf_store(float *x, vf a) {
    for (int p = 0; p < 4; ++p) vst1q_f32(x + 4 * p, a.part[p]);
}
PL_INLINE vf vf_set1(float a) { PL_PARTS(vf, vdupq_n_f32(a)); }
PL_INLINE vf vf_add(vf a, vf b) { PL_PARTS(vf, vaddq_f32(a.part[p], b.part[p])); }
PL_INLINE vf vf_sub(vf a, vf b) { PL_PARTS(vf, vsubq_f32(a.part[p], b.part[p])); }
PL_INLINE vf vf_mul(vf a, vf b) { PL_PARTS(vf, vmulq_f32(a.part[p], b.part[p])); }
PL_INLINE vf vf_div(vf a, vf b) { PL_PARTS(vf, vdivq_f32(a.part[p], b.part[p])); }
PL_INLINE vf vf_fma(vf a, vf b, vf c) { PL_PARTS(vf, vfmaq_f32(c.part[p], a.part[p], b.part[p])); }
PL_INLINE vf vf_fnma(vf a, vf b, vf c) { PL_PARTS(vf, vfmsq_f32(c.part[p], a.part[p], b.part[p])); }
PL_INLINE vf vf_fms(vf a, vf b, vf c) { PL_PARTS(vf, vfmaq_f32(vnegq_f32(c.part[p]), a.part[p], b.part[p])); }
PL_INLINE vm vf_greater(vf a, vf b) { PL_PARTS(vm, vcgtq_f32(a.part[p], b.part[p])); }
PL_INLINE vm vf_less(vf a, vf b) { PL_PARTS(vm, vcltq_f32(a.part[p], b.part[p])); }
PL_INLINE vm vf_equal(vf a, vf b) { PL_PARTS(vm, vceqq_f32(a.part[p], b.part[p])); }
PL_INLINE vm vf_at_least(vf a, vf b) { PL_PARTS(vm, vcgeq_f32(a.part[p], b.part[p])); }
PL_INLINE vf vf_select(vm m, vf a, vf b) { PL_PARTS(vf, vbslq_f32(m.part[p], a.part[p], b.part[p])); }
// FMAX and FMIN treat NaN and signed zeros differently, so that these are selections.
PL_INLINE vf vf_max(vf a, vf b) { return vf_select(vf_greater(a, b), a, b); }
PL_INLINE vf vf_min(vf a, vf b) { return vf_select(vf_less(a, b), a, b); }
PL_INLINE vi vf_bits(vf a) { PL_PARTS(vi, vreinterpretq_s32_f32(a.part[p])); }

PL_INLINE vi vi_load(const int32_t *x) { PL_PARTS(vi, vld1q_s32(x + 4 * p)); }
PL_INLINE void vi_store(int32_t *x, vi a) {
    for (int p = 0; p < 4; ++p) vst1q_s32(x + 4 * p, a.part[p]);
}
PL_INLINE vi vi_set1(int32_t a) { PL_PARTS(vi, vdupq_n_s32(a)); }
PL_INLINE vi vi_add(vi a, vi b) { PL_PARTS(vi, vaddq_s32(a.part[p], b.part[p])); }
PL_INLINE vi vi_sub(vi a, vi b) { PL_PARTS(vi, vsubq_s32(a.part[p], b.part[p])); }
PL_INLINE vi vi_xor(vi a, vi b) { PL_PARTS(vi, veorq_s32(a.part[p], b.part[p])); }
PL_INLINE vi vi_shift_left(vi a, int n) { PL_PARTS(vi, vshlq_s32(a.part[p], vdupq_n_s32(n))); }
PL_INLINE vi vi_shift_arithmetic(vi a, int n) { PL_PARTS(vi, vshlq_s32(a.part[p], vdupq_n_s32(-n))); }
PL_INLINE vi vi_shift_right(vi a, int n) {
    PL_PARTS(vi, vreinterpretq_s32_u32(vshlq_u32(vreinterpretq_u32_s32(a.part[p]), vdupq_n_s32(-n))));
}
PL_INLINE vm vi_equal(vi a, vi b) { PL_PARTS(vm, vceqq_s32(a.part[p], b.part[p])); }
PL_INLINE vi vi_select(vm m, vi a, vi b) { PL_PARTS(vi, vbslq_s32(m.part[p], a.part[p], b.part[p])); }
PL_INLINE vf vi_as_float(vi a) { PL_PARTS(vf, vreinterpretq_f32_s32(a.part[p])); }
PL_INLINE vf vi_to_float(vi a) { PL_PARTS(vf, vcvtq_f32_s32(a.part[p])); }

typedef struct {
    int8x16_t part[4];
} vc;
enum { PL_DOT_OFFSET = 0 };
PL_INLINE vc vc_load(const uint8_t *x) {
    PL_PARTS(vc, vreinterpretq_s8_u8(veorq_u8(vld1q_u8(x + 16 * p), vdupq_n_u8(128))));
}
PL_INLINE vi vi_dot(vi a, vc codes, const int8_t *q) {
    int32_t four;
    __builtin_memcpy(&four, q, sizeof four);
    int8x16_t all = vreinterpretq_s8_s32(vdupq_n_s32(four));
    vi r;
    for (int p = 0; p < 4; ++p) {
        int32x4_t low = vpaddlq_s16(vmull_s8(vget_low_s8(codes.part[p]), vget_low_s8(all)));
        int32x4_t high = vpaddlq_s16(vmull_high_s8(codes.part[p], all));
        r.part[p] = vaddq_s32(a.part[p], vpaddq_s32(low, high));
    }
    return r;
}
PL_INLINE void vi_store_bytes(int8_t *x, vi a) {
    int16x8_t low = vcombine_s16(vmovn_s32(a.part[0]), vmovn_s32(a.part[1]));
    int16x8_t high = vcombine_s16(vmovn_s32(a.part[2]), vmovn_s32(a.part[3]));
    vst1q_s8(x, vcombine_s8(vmovn_s16(low), vmovn_s16(high)));
}
PL_INLINE int32_t vi_sum(vi a) {
    int32x4_t four = vaddq_s32(vaddq_s32(a.part[0], a.part[1]), vaddq_s32(a.part[2], a.part[3]));
    return vaddvq_s32(four);
}

PL_INLINE void vi_multiply_wide(vi a, vi b, vi *high, vi *low) {
    for (int p = 0; p < 4; ++p) {
        uint32x4_t x = vreinterpretq_u32_s32(a.part[p]), y = vreinterpretq_u32_s32(b.part[p]);
        uint32x4_t first = vreinterpretq_u32_u64(vmull_u32(vget_low_u32(x), vget_low_u32(y)));
        uint32x4_t second = vreinterpretq_u32_u64(vmull_high_u32(x, y));
        low->part[p] = vreinterpretq_s32_u32(vuzp1q_u32(first, second));
        high->part[p] = vreinterpretq_s32_u32(vuzp2q_u32(first, second));
    }
}

PL_INLINE vf vf_load_half(const uint16_t *x) { PL_PARTS(vf, vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(x + 4 * p)))); }
PL_INLINE void vf_store_half(uint16_t *x, vf a) {
    for (int p = 0; p < 4; ++p) vst1_u16(x + 4 * p, vreinterpret_u16_f16(vcvt_f16_f32(a.part[p])));
}

PL_INLINE float vf_sum(vf a) {
    float32x4_t even = vaddq_f32(a.part[0], a.part[2]), odd = vaddq_f32(a.part[1], a.part[3]);
    float32x4_t four = vaddq_f32(even, odd);
    float32x2_t two = vadd_f32(vget_low_f32(four), vget_high_f32(four));
    return vget_lane_f32(two, 0) + vget_lane_f32(two, 1);
}

PL_INLINE vd vd_zero(void) {
    vd r;
    for (int p = 0; p < 8; ++p) r.part[p] = vdupq_n_f64(0);
    return r;
}
PL_INLINE vd vd_add(vd a, vf b) {
    for (int p = 0; p < 4; ++p) {
        a.part[2 * p] = vaddq_f64(a.part[2 * p], vcvt_f64_f32(vget_low_f32(b.part[p])));
        a.part[2 * p + 1] = vaddq_f64(a.part[2 * p + 1], vcvt_high_f64_f32(b.part[p]));
    }
    return a;
}
PL_INLINE double vd_sum(vd a) {
    for (int half = 4; half > 0; half /= 2) {
        for (int p = 0; p < half; ++p) a.part[p] = vaddq_f64(a.part[p], a.part[p + half]);
    }
    return vgetq_lane_f64(a.part[0], 0) + vgetq_lane_f64(a.part[0], 1);
}

PL_INLINE void vf_load_pairs(const float *x, vf *even, vf *odd) {
    for (int p = 0; p < 4; ++p) {
        float32x4x2_t pairs = vld2q_f32(x + 8 * p);
        even->part[p] = pairs.val[0];
        odd->part[p] = pairs.val[1];
    }
}
PL_INLINE void vf_store_pairs(float *x, vf even, vf odd) {
    for (int p = 0; p < 4; ++p) vst2q_f32(x + 8 * p, ((float32x4x2_t){{even.part[p], odd.part[p]}}));
}

#endif
