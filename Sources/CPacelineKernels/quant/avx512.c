#if defined(__x86_64__)
#include <immintrin.h>

#include "quant/activations.h"
#include "quant/half.h"

#define TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")))
#define QUANTISE pl_activations_quantise_avx512
#define MEASURE pl_activations_measure_avx512
#define BLOCK_OUTLIER block_outlier_avx512
#define FOUR_LARGEST four_largest
#define BLOCK_SPLIT block_split_avx512

TARGET static inline __m512i magnitudes(const float *x) {
    return _mm512_and_si512(_mm512_loadu_si512(x), _mm512_set1_epi32(0x7fffffff));
}

TARGET static inline uint32_t block_largest(const float *x) {
    return _mm512_reduce_max_epu32(_mm512_max_epu32(magnitudes(x), magnitudes(x + 16)));
}

/// Four blocks share the reduction: after two exchanges each lane of four has a part of all their maximums.
TARGET static inline void four_largest(const float *x, float *measures) {
    __m512i block[4];
    for (int i = 0; i < 4; ++i) block[i] = _mm512_max_epu32(magnitudes(x + 32 * i), magnitudes(x + 32 * i + 16));
    __m512i pair[2];
    for (int i = 0; i < 2; ++i) {
        const __m512i a = block[2 * i], b = block[2 * i + 1];
        pair[i] = _mm512_max_epu32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
    }
    __m512i all = _mm512_max_epu32(_mm512_unpacklo_epi64(pair[0], pair[1]), _mm512_unpackhi_epi64(pair[0], pair[1]));
    all = _mm512_max_epu32(all, _mm512_shuffle_i32x4(all, all, 0x4e));
    all = _mm512_max_epu32(all, _mm512_shuffle_i32x4(all, all, 0xb1));
    _mm_storeu_si128((__m128i *)measures, _mm512_castsi512_si128(all));
}

TARGET static inline void block_codes(const float *x, float inverse, int8_t *codes, int32_t sum[2]) {
    for (int half = 0; half < 2; ++half) {
        const __m512 scaled = _mm512_mul_ps(_mm512_loadu_ps(x + 16 * half), _mm512_set1_ps(inverse));
        // The conversion rounds to nearest even: the mode that every thread starts with and nothing here changes.
        const __m128i bytes = _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(scaled));
        _mm_storeu_si128((__m128i *)codes + half, bytes);
        // Sixteen unsigned ones times signed codes, four at a time.
        __m128i four = _mm_dpbusd_epi32(_mm_setzero_si128(), _mm_set1_epi8(1), bytes);
        four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4e));
        four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0xb1));
        sum[half] = _mm_cvtsi128_si32(four);
    }
}

/// The first group of four columns with the magnitude `largest`, and the largest magnitude outside of it.
TARGET static inline int block_outlier_avx512(const float *x, float largest, float *rest) {
    const __m512i bits = _mm512_set1_epi32((int32_t)pl_bits_of_float(largest));
    const __m512i low = magnitudes(x), high = magnitudes(x + 16);
    const uint32_t found = _mm512_cmpeq_epi32_mask(low, bits) | (uint32_t)_mm512_cmpeq_epi32_mask(high, bits) << 16;
    const int group = __builtin_ctz(found) / PL_OUTLIER_COLUMNS;
    const uint32_t others = ~(15u << PL_OUTLIER_COLUMNS * group);
    const __m512i most = _mm512_max_epu32(
        _mm512_maskz_mov_epi32((__mmask16)others, low), _mm512_maskz_mov_epi32((__mmask16)(others >> 16), high));
    *rest = pl_float_of_bits(_mm512_reduce_max_epu32(most));
    return group;
}

/// The integers that 16 activations times `inverse` are nearest to, as a high and a low part (see block_split in
/// activations.inc).
TARGET static inline __m512i split_wholes(const float *x, float inverse, __m512i *low) {
    const __m512i whole = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(x), _mm512_set1_ps(inverse)));
    const __m512i rounded = _mm512_add_epi32(_mm512_abs_epi32(whole), _mm512_set1_epi32((PL_OUTLIER_RADIX - 1) / 2));
    const __m512i product = _mm512_mullo_epi32(rounded, _mm512_set1_epi32(PL_RADIX_RECIPROCAL));
    const __m512i parts = _mm512_srli_epi32(product, PL_RADIX_RECIPROCAL_BITS), zero = _mm512_setzero_si512();
    const __m512i high = _mm512_mask_sub_epi32(parts, _mm512_cmplt_epi32_mask(whole, zero), zero, parts);
    *low = _mm512_sub_epi32(whole, _mm512_mullo_epi32(high, _mm512_set1_epi32(PL_OUTLIER_RADIX)));
    return high;
}

TARGET static inline int32_t block_split_avx512(
    const float *x, float inverse, int8_t *low, int8_t *high, int32_t sum[2]) {
    __m512i low_parts[2], high_parts[2];
    for (int half = 0; half < 2; ++half) {
        high_parts[half] = split_wholes(x + 16 * half, inverse, &low_parts[half]);
        _mm_storeu_si128((__m128i *)low + half, _mm512_cvtepi32_epi8(low_parts[half]));
        _mm_storeu_si128((__m128i *)high + half, _mm512_cvtepi32_epi8(high_parts[half]));
        sum[half] = _mm512_reduce_add_epi32(low_parts[half]);
    }
    return _mm512_reduce_add_epi32(_mm512_add_epi32(high_parts[0], high_parts[1]));
}

#include "quant/activations.inc"
#endif
