#if defined(__x86_64__)
#include "isa/avx2.h"

#include "quant/activations.h"

INLINE uint32_t block_largest(const float *x) {
    vi largest = vi_set1(0);
    for (int i = 0; i < PL_ACTIVATION_BLOCK; i += 8) {
        largest = vi_max_unsigned(largest, vi_and(vi_load(x + i), vi_set1(0x7fffffff)));
    }
    __m128i four = _mm_max_epu32(_mm256_castsi256_si128(largest), _mm256_extracti128_si256(largest, 1));
    four = _mm_max_epu32(four, _mm_shuffle_epi32(four, 0x4e));
    four = _mm_max_epu32(four, _mm_shuffle_epi32(four, 0xb1));
    return (uint32_t)_mm_cvtsi128_si32(four);
}

/// Codes of 16 activations, and their sum.
INLINE int32_t quantise_half(const float *x, vf inverse, int8_t *codes) {
    const vi low = vf_round(vf_mul(vf_load(x), inverse)), high = vf_round(vf_mul(vf_load(x + 8), inverse));
    const vi words = _mm256_permute4x64_epi64(_mm256_packs_epi32(low, high), 0xd8);
    const __m128i bytes = _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    _mm_storeu_si128((__m128i *)codes, bytes);
    return vi_sum(vi_multiply_pairs(words, _mm256_set1_epi16(1)));
}

INLINE void block_codes(const float *x, float inverse, int8_t *codes, int32_t sum[2]) {
    sum[0] = quantise_half(x, vf_set1(inverse), codes);
    sum[1] = quantise_half(x + 16, vf_set1(inverse), codes + 16);
}

#include "quant/activations.inc"
#endif
