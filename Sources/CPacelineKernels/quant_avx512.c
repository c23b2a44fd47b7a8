#if defined(__x86_64__)
#include <immintrin.h>

#include "quant_activations.h"
#include "quant_half.h"

__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni"))) void
pl_activation_quantise_avx512(const float *x, int8_t *codes, float *scale, int32_t sum[2]) {
    __m512 low = _mm512_loadu_ps(x), high = _mm512_loadu_ps(x + 16);
    const __m512i magnitude = _mm512_set1_epi32(0x7fffffff);
    uint32_t largest = _mm512_reduce_max_epu32(_mm512_max_epu32(
        _mm512_and_si512(_mm512_castps_si512(low), magnitude), _mm512_and_si512(_mm512_castps_si512(high), magnitude)));
    if (largest < PL_ACTIVATION_TINY || largest >= PL_ACTIVATION_INFINITE) {
        *scale = largest < PL_ACTIVATION_TINY ? 0 : pl_float_of_bits(PL_QUIET_NAN);
        _mm256_storeu_si256((__m256i *)codes, _mm256_setzero_si256());
        sum[0] = sum[1] = 0;
        return;
    }
    float amax = pl_float_of_bits(largest);
    __m512 inverse = _mm512_set1_ps(127.0f / amax);
    *scale = amax / 127.0f;
    // The conversion rounds to nearest even: the mode that every thread starts with and nothing here changes.
    __m128i bytes[2] = {
        _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(_mm512_mul_ps(low, inverse))),
        _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(_mm512_mul_ps(high, inverse))),
    };
    for (int half = 0; half < 2; ++half) {
        _mm_storeu_si128((__m128i *)codes + half, bytes[half]);
        // Sixteen unsigned ones times signed codes, four at a time.
        __m128i four = _mm_dpbusd_epi32(_mm_setzero_si128(), _mm_set1_epi8(1), bytes[half]);
        four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4e));
        four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0xb1));
        sum[half] = _mm_cvtsi128_si32(four);
    }
}
#endif
