#if defined(__x86_64__)
#include <immintrin.h>

#include "quant/activations.h"
#include "quant/half.h"

#define TARGET __attribute__((target("avx2,fma,f16c")))
#define QUANTISE pl_activations_quantise_avx2
#define MEASURE pl_activations_measure_avx2

TARGET static inline uint32_t block_largest(const float *x) {
    const __m256i magnitude = _mm256_set1_epi32(0x7fffffff);
    __m256i largest = _mm256_setzero_si256();
    for (int i = 0; i < PL_ACTIVATION_BLOCK; i += 8) {
        __m256i bits = _mm256_loadu_si256((const __m256i *)(x + i));
        largest = _mm256_max_epu32(largest, _mm256_and_si256(bits, magnitude));
    }
    __m128i four = _mm_max_epu32(_mm256_castsi256_si128(largest), _mm256_extracti128_si256(largest, 1));
    four = _mm_max_epu32(four, _mm_shuffle_epi32(four, 0x4e));
    four = _mm_max_epu32(four, _mm_shuffle_epi32(four, 0xb1));
    return (uint32_t)_mm_cvtsi128_si32(four);
}

/// Codes of 16 activations, and their sum.
TARGET static inline int32_t quantise_half(const float *x, __m256 inverse, int8_t *codes) {
    // The conversion rounds to nearest even: the mode that every thread starts with and nothing here changes.
    __m256i low = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x), inverse));
    __m256i high = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x + 8), inverse));
    __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(low, high), 0xd8);
    __m128i bytes = _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    _mm_storeu_si128((__m128i *)codes, bytes);
    __m256i eight = _mm256_madd_epi16(words, _mm256_set1_epi16(1));
    __m128i four = _mm_add_epi32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256(eight, 1));
    four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4e));
    four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0xb1));
    return _mm_cvtsi128_si32(four);
}

TARGET static inline void block_codes(const float *x, float inverse, int8_t *codes, int32_t sum[2]) {
    sum[0] = quantise_half(x, _mm256_set1_ps(inverse), codes);
    sum[1] = quantise_half(x + 16, _mm256_set1_ps(inverse), codes + 16);
}

#include "quant/activations.inc"
#endif
