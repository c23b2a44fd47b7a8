#if defined(__aarch64__)
#include "isa/neon.h"

#include "quant/activations.h"

INLINE uint32_t block_largest(const float *x) {
    vi largest = vi_set1(0);
    for (int i = 0; i < PL_ACTIVATION_BLOCK; i += 4) {
        largest = vi_max_unsigned(largest, vi_and(vi_load(x + i), vi_set1(0x7fffffff)));
    }
    return vmaxvq_u32(vreinterpretq_u32_s32(largest));
}

/// Codes of 16 activations, and their sum.
INLINE int32_t quantise_half(const float *x, float inverse, int8_t *codes) {
    vi code[4];
    for (int i = 0; i < 4; ++i) code[i] = vf_round(vf_mul(vf_load(x + 4 * i), vf_set1(inverse)));
    vi_store_bytes(codes, code);
    return vi_sum(vi_add(vi_add(code[0], code[1]), vi_add(code[2], code[3])));
}

INLINE void block_codes(const float *x, float inverse, int8_t *codes, int32_t sum[2]) {
    sum[0] = quantise_half(x, inverse, codes);
    sum[1] = quantise_half(x + 16, inverse, codes + 16);
}

#include "quant/activations.inc"
#endif
