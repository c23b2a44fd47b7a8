#if defined(__aarch64__)
#include <arm_neon.h>

#include "quant/activations.h"
#include "quant/half.h"

#define TARGET
#define QUANTISE pl_activations_quantise_neon
#define MEASURE pl_activations_measure_neon

static inline uint32_t block_largest(const float *x) {
    const uint32x4_t magnitude = vdupq_n_u32(0x7fffffff);
    uint32x4_t largest = vdupq_n_u32(0);
    for (int i = 0; i < PL_ACTIVATION_BLOCK; i += 4) {
        largest = vmaxq_u32(largest, vandq_u32(vreinterpretq_u32_f32(vld1q_f32(x + i)), magnitude));
    }
    return vmaxvq_u32(largest);
}

/// Codes of 16 activations, and their sum.
static inline int32_t quantise_half(const float *x, float inverse, int8_t *codes) {
    int32x4_t code[4];
    // This conversion rounds to nearest even whatever the mode is.
    for (int i = 0; i < 4; ++i) code[i] = vcvtnq_s32_f32(vmulq_n_f32(vld1q_f32(x + 4 * i), inverse));
    const int16x8_t low = vcombine_s16(vmovn_s32(code[0]), vmovn_s32(code[1]));
    const int16x8_t high = vcombine_s16(vmovn_s32(code[2]), vmovn_s32(code[3]));
    const int8x16_t bytes = vcombine_s8(vmovn_s16(low), vmovn_s16(high));
    vst1q_s8(codes, bytes);
    return vaddlvq_s8(bytes);
}

static inline void block_codes(const float *x, float inverse, int8_t *codes, int32_t sum[2]) {
    sum[0] = quantise_half(x, inverse, codes);
    sum[1] = quantise_half(x + 16, inverse, codes + 16);
}

#include "quant/activations.inc"
#endif
