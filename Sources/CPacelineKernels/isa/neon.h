#ifndef PACELINE_ISA_NEON_H
#define PACELINE_ISA_NEON_H

#include <arm_neon.h>

#include "isa/plain.h"

// The vocabulary of kernels, for NEON with the dot product; isa/avx512.h says what the names mean.

#define TARGET __attribute__((target("dotprod")))
#define INLINE PL_INLINE TARGET
#define VARIANT(name) name##_neon
#define LANES 4

typedef float32x4_t vf;
typedef int32x4_t vi;
typedef uint32x4_t vm;  // all bits of a lane are set or clear
typedef float64x2_t vd;

// MARK: Floats

INLINE vf vf_load(const float *p) { return vld1q_f32(p); }
INLINE void vf_store(float *p, vf a) { vst1q_f32(p, a); }
INLINE vf vf_set1(float a) { return vdupq_n_f32(a); }
INLINE vf vf_add(vf a, vf b) { return vaddq_f32(a, b); }
INLINE vf vf_sub(vf a, vf b) { return vsubq_f32(a, b); }
INLINE vf vf_mul(vf a, vf b) { return vmulq_f32(a, b); }
INLINE vf vf_div(vf a, vf b) { return vdivq_f32(a, b); }
INLINE vf vf_negate(vf a) { return vnegq_f32(a); }
INLINE vf vf_fma(vf a, vf b, vf c) { return vfmaq_f32(c, a, b); }
INLINE vf vf_fnma(vf a, vf b, vf c) { return vfmsq_f32(c, a, b); }
INLINE vf vf_fms(vf a, vf b, vf c) { return vfmaq_f32(vf_negate(c), a, b); }
INLINE vm vf_greater(vf a, vf b) { return vcgtq_f32(a, b); }
INLINE vm vf_less(vf a, vf b) { return vcltq_f32(a, b); }
INLINE vm vf_equal(vf a, vf b) { return vceqq_f32(a, b); }
INLINE vm vf_at_least(vf a, vf b) { return vcgeq_f32(a, b); }
INLINE vf vf_select(vm m, vf a, vf b) { return vbslq_f32(m, a, b); }
// FMAX and FMIN treat NaN and signed zeros in another way, so these are selections.
INLINE vf vf_max(vf a, vf b) { return vf_select(vf_greater(a, b), a, b); }
INLINE vf vf_min(vf a, vf b) { return vf_select(vf_less(a, b), a, b); }
INLINE vi vf_bits(vf a) { return vreinterpretq_s32_f32(a); }
// This conversion rounds to the nearest whatever the mode is.
INLINE vi vf_round(vf a) { return vcvtnq_s32_f32(a); }
INLINE float vf_sum(vf a) {
    float32x2_t two = vadd_f32(vget_low_f32(a), vget_high_f32(a));
    return vget_lane_f32(two, 0) + vget_lane_f32(two, 1);
}

INLINE vf vf_load_half(const void *p) { return vcvt_f32_f16(vreinterpret_f16_u8(vld1_u8(p))); }
INLINE void vf_store_half(uint16_t *p, vf a) { vst1_u16(p, vreinterpret_u16_f16(vcvt_f16_f32(a))); }

INLINE void vf_load_pairs(const float *p, vf *even, vf *odd) {
    float32x4x2_t pairs = vld2q_f32(p);
    *even = pairs.val[0];
    *odd = pairs.val[1];
}
INLINE void vf_store_pairs(float *p, vf even, vf odd) { vst2q_f32(p, ((float32x4x2_t){{even, odd}})); }

// MARK: Doubles

INLINE vd vd_zero(void) { return vdupq_n_f64(0); }
INLINE vd vd_add(vd a, vd b) { return vaddq_f64(a, b); }
INLINE vd vd_low(vf a) { return vcvt_f64_f32(vget_low_f32(a)); }
INLINE vd vd_high(vf a) { return vcvt_high_f64_f32(a); }
INLINE double vd_sum(vd a) { return vgetq_lane_f64(a, 0) + vgetq_lane_f64(a, 1); }

// MARK: Integers

INLINE vi vi_of_bytes(uint8x16_t a) { return vreinterpretq_s32_u8(a); }
INLINE uint8x16_t vi_bytes(vi a) { return vreinterpretq_u8_s32(a); }

INLINE vi vi_load(const void *p) { return vi_of_bytes(vld1q_u8(p)); }
INLINE void vi_store(void *p, vi a) { vst1q_u8(p, vi_bytes(a)); }
INLINE vi vi_set1(int32_t a) { return vdupq_n_s32(a); }
INLINE vi vi_add(vi a, vi b) { return vaddq_s32(a, b); }
INLINE vi vi_sub(vi a, vi b) { return vsubq_s32(a, b); }
INLINE vi vi_and(vi a, vi b) { return vandq_s32(a, b); }
INLINE vi vi_or(vi a, vi b) { return vorrq_s32(a, b); }
INLINE vi vi_xor(vi a, vi b) { return veorq_s32(a, b); }
// Shifts by registers, which the compiler makes shifts by constants where it can.
INLINE vi vi_shift_left(vi a, int n) { return vshlq_s32(a, vdupq_n_s32(n)); }
INLINE vi vi_shift_arithmetic(vi a, int n) { return vshlq_s32(a, vdupq_n_s32(-n)); }
INLINE vi vi_shift_right(vi a, int n) {
    return vreinterpretq_s32_u32(vshlq_u32(vreinterpretq_u32_s32(a), vdupq_n_s32(-n)));
}
INLINE vi vi_max_unsigned(vi a, vi b) {
    return vreinterpretq_s32_u32(vmaxq_u32(vreinterpretq_u32_s32(a), vreinterpretq_u32_s32(b)));
}
INLINE vm vi_equal(vi a, vi b) { return vceqq_s32(a, b); }
INLINE vi vi_select(vm m, vi a, vi b) { return vbslq_s32(m, a, b); }
INLINE vf vi_as_float(vi a) { return vreinterpretq_f32_s32(a); }
INLINE vf vi_to_float(vi a) { return vcvtq_f32_s32(a); }
INLINE int32_t vi_sum(vi a) { return vaddvq_s32(a); }
INLINE vi vi_load_shorts(const void *p) { return vreinterpretq_s32_u32(vmovl_u16(vreinterpret_u16_u8(vld1_u8(p)))); }
INLINE void vi_store_bytes(int8_t *p, const vi *a) {
    int16x8_t low = vcombine_s16(vmovn_s32(a[0]), vmovn_s32(a[1]));
    int16x8_t high = vcombine_s16(vmovn_s32(a[2]), vmovn_s32(a[3]));
    vst1q_s8(p, vcombine_s8(vmovn_s16(low), vmovn_s16(high)));
}
INLINE void vi_multiply_wide(vi a, vi b, vi *high, vi *low) {
    uint32x4_t x = vreinterpretq_u32_s32(a), y = vreinterpretq_u32_s32(b);
    uint32x4_t first = vreinterpretq_u32_u64(vmull_u32(vget_low_u32(x), vget_low_u32(y)));
    uint32x4_t second = vreinterpretq_u32_u64(vmull_high_u32(x, y));
    *low = vreinterpretq_s32_u32(vuzp1q_u32(first, second));
    *high = vreinterpretq_s32_u32(vuzp2q_u32(first, second));
}

// MARK: Bytes

INLINE vi vi_set1_four(const int8_t *p) {
    int32_t four;
    memcpy(&four, p, sizeof four);
    return vi_set1(four);
}
/// A negative shift goes to the right, so that one instruction does what is asked of each byte.
INLINE vi vi_rotate(vi a, int n) {
    return vi_of_bytes(vshlq_u8(vi_bytes(a), vdupq_n_s8((int8_t)(n < 16 ? n : n - 32))));
}
INLINE vi vi_merge(vi high, vi mask, vi low) { return vbslq_s32(vreinterpretq_u32_s32(mask), high, low); }
INLINE vi vi_bytes_where(vi bytes, vi bits, vi a) {
    return vi_and(vi_of_bytes(vtstq_u8(vi_bytes(bytes), vi_bytes(bits))), a);
}
INLINE vi vi_lookup(const uint8_t table[16], vi index) {
    return vi_of_bytes(vqtbl1q_u8(vld1q_u8(table), vi_bytes(index)));
}
INLINE vi vi_spread(vi a, int byte) {
    static const uint8_t lanes[16] = {0, 0, 0, 0, 4, 4, 4, 4, 8, 8, 8, 8, 12, 12, 12, 12};
    return vi_of_bytes(vqtbl1q_u8(vi_bytes(a), vaddq_u8(vld1q_u8(lanes), vdupq_n_u8((uint8_t)byte))));
}

typedef vi vc;  // signed bytes
INLINE vc vc_load(const uint8_t *p) { return vi_xor(vi_load(p), vi_set1((int32_t)0x80808080)); }
INLINE vi vi_dot(vi sum, vc codes, vi bytes) {
    return vdotq_s32(sum, vreinterpretq_s8_s32(codes), vreinterpretq_s8_s32(bytes));
}
#define DOT_OFFSET 0

#endif
