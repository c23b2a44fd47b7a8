#if defined(__aarch64__)
#include <arm_neon.h>
#include <stdint.h>
#include <string.h>

#include "quant/layout.h"

#define TARGET __attribute__((target("dotprod")))
#define INLINE static inline __attribute__((always_inline)) TARGET

enum { LANES = 4 };
typedef uint32x4_t vec_i;
typedef float32x4_t vec_f;

INLINE uint8x16_t bytes_of(vec_i v) { return vreinterpretq_u8_u32(v); }
INLINE vec_i of_bytes(uint8x16_t v) { return vreinterpretq_u32_u8(v); }

INLINE vec_i v_load(const uint8_t *bytes) { return of_bytes(vld1q_u8(bytes)); }
INLINE vec_i v_set1(int value) { return vdupq_n_u32((uint32_t)value); }
INLINE vec_i v_and(vec_i a, vec_i b) { return vandq_u32(a, b); }
INLINE vec_i v_or(vec_i a, vec_i b) { return vorrq_u32(a, b); }
INLINE vec_i v_xor(vec_i a, vec_i b) { return veorq_u32(a, b); }
INLINE vec_i v_sub(vec_i a, vec_i b) { return vsubq_u32(a, b); }
// Shifts by registers, which the compiler makes shifts by constants where it can.
INLINE vec_i v_left(vec_i v, int n) { return vshlq_u32(v, vdupq_n_s32(n)); }
INLINE vec_i v_right(vec_i v, int n) { return vshlq_u32(v, vdupq_n_s32(-n)); }
INLINE vec_i v_right_signed(vec_i v, int n) {
    return vreinterpretq_u32_s32(vshlq_s32(vreinterpretq_s32_u32(v), vdupq_n_s32(-n)));
}
/// A shift that is negative goes to the right, so one instruction does what is asked of each byte.
INLINE vec_i v_rotate(vec_i v, int n) {
    return of_bytes(vshlq_u8(bytes_of(v), vdupq_n_s8((int8_t)(n < 16 ? n : n - 32))));
}
INLINE vec_i v_merge(vec_i high, vec_i mask, vec_i low) { return vbslq_u32(mask, high, low); }
INLINE vec_i v_bytes_where(vec_i bytes, vec_i bits, vec_i v) {
    return v_and(of_bytes(vtstq_u8(bytes_of(bytes), bytes_of(bits))), v);
}
INLINE vec_i v_lookup(const uint8_t table[16], vec_i index) {
    return of_bytes(vqtbl1q_u8(vld1q_u8(table), bytes_of(index)));
}
INLINE vec_i v_spread(vec_i v, int byte) {
    static const uint8_t lanes[16] = {0, 0, 0, 0, 4, 4, 4, 4, 8, 8, 8, 8, 12, 12, 12, 12};
    return of_bytes(vqtbl1q_u8(bytes_of(v), vaddq_u8(vld1q_u8(lanes), vdupq_n_u8((uint8_t)byte))));
}
#define V_WHOLE_BYTES 0
INLINE vec_f v_halves_float(const uint8_t *halves) { return vcvt_f32_f16(vreinterpret_f16_u8(vld1_u8(halves))); }
INLINE vec_i v_halves_int(const uint8_t *halves) { return vmovl_u16(vreinterpret_u16_u8(vld1_u8(halves))); }
INLINE vec_f f_load(const float *x) { return vld1q_f32(x); }
INLINE void f_store(float *x, vec_f v) { vst1q_f32(x, v); }
INLINE vec_f f_set1(float x) { return vdupq_n_f32(x); }
INLINE vec_f f_mul(vec_f a, vec_f b) { return vmulq_f32(a, b); }
INLINE vec_f f_fma(vec_f a, vec_f b, vec_f c) { return vfmaq_f32(c, a, b); }
INLINE vec_f f_negate(vec_f v) { return vnegq_f32(v); }
INLINE vec_f f_from_int(vec_i v) { return vcvtq_f32_s32(vreinterpretq_s32_u32(v)); }
INLINE vec_f f_of_bits(vec_i v) { return vreinterpretq_f32_u32(v); }

/// The dot product takes both sides signed. Codes of up to six bits are that as they are, and their offset goes into
/// the initial value; those of eight bits are made signed here and have none left.
#define V_OFFSET(type) (pl_layouts[type].offset == 128 ? 0 : pl_layouts[type].offset)

INLINE int8x16_t signed_codes(pl_type type, vec_i code) {
    return vreinterpretq_s8_u32(pl_layouts[type].offset == 128 ? v_xor(code, v_set1((int)0x80808080u)) : code);
}

/// One load brings four operands' activations of a row: each instruction picks its own out of them.
INLINE void v_dots(
    pl_type type, int rows, const vec_i *code, int first, int last, const int8_t *activations, vec_i *dot) {
#pragma clang loop unroll(full)
    for (int j = first; j < last; j += 4) {
        const int8x16_t code0 = signed_codes(type, code[j]), code1 = signed_codes(type, code[j + 1]);
        const int8x16_t code2 = signed_codes(type, code[j + 2]), code3 = signed_codes(type, code[j + 3]);
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; ++r) {
            const int8x16_t four = vld1q_s8(activations + 32 * r + 4 * j);
            int32x4_t sum = vreinterpretq_s32_u32(dot[r]);
            sum = vdotq_laneq_s32(sum, code0, four, 0);
            sum = vdotq_laneq_s32(sum, code1, four, 1);
            sum = vdotq_laneq_s32(sum, code2, four, 2);
            sum = vdotq_laneq_s32(sum, code3, four, 3);
            dot[r] = vreinterpretq_u32_s32(sum);
        }
    }
}

INLINE vec_i v_dot_four(pl_type type, vec_i dot, vec_i code, const int8_t *activations) {
    int32_t four;
    memcpy(&four, activations, 4);
    const int8x16_t all = vreinterpretq_s8_s32(vdupq_n_s32(four));
    return vreinterpretq_u32_s32(vdotq_s32(vreinterpretq_s32_u32(dot), signed_codes(type, code), all));
}

#define MAX_ROWS 16
#define STEP(type, rows) ((rows) > 4 ? 4 : (rows))
#define SUMS_IN_MEMORY(type, rows) ((rows) == 0)
#define KERNEL_OF_TYPE pl_tile_kernel_neon
#include "matmul/tile.inc"

/// Pairs of tiles are for vectors that hold a whole one.
pl_tile_kernel pl_pair_kernel_neon(pl_type type) {
    (void)type;
    return NULL;
}
#endif
