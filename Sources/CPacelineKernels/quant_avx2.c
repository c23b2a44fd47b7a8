#if defined(__x86_64__)
#include <immintrin.h>

#include "quant_activations.h"
#include "quant_half.h"

#define AVX2 __attribute__((target("avx2,fma,f16c")))

AVX2 static uint32_t largest_magnitude(const float *x) {
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
AVX2 static int32_t quantise_half(const float *x, __m256 inverse, int8_t *codes) {
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

AVX2 void pl_activation_quantise_avx2(const float *x, int8_t *codes, float *scale, int32_t sum[2]) {
    uint32_t largest = largest_magnitude(x);
    if (largest < PL_ACTIVATION_TINY || largest >= PL_ACTIVATION_INFINITE) {
        *scale = largest < PL_ACTIVATION_TINY ? 0 : pl_float_of_bits(PL_QUIET_NAN);
        _mm256_storeu_si256((__m256i *)codes, _mm256_setzero_si256());
        sum[0] = sum[1] = 0;
        return;
    }
    float amax = pl_float_of_bits(largest);
    __m256 inverse = _mm256_set1_ps(127.0f / amax);
    *scale = amax / 127.0f;
    sum[0] = quantise_half(x, inverse, codes);
    sum[1] = quantise_half(x + 16, inverse, codes + 16);
}
#endif
