#if defined(__x86_64__)
#include "isa/avx512.h"

#include "quant/activations.h"

INLINE vi magnitudes(const float *x) { return vi_and(vi_load(x), vi_set1(0x7fffffff)); }

INLINE uint32_t block_largest(const float *x) {
    return _mm512_reduce_max_epu32(vi_max_unsigned(magnitudes(x), magnitudes(x + 16)));
}

#define HAS_FOUR_LARGEST
/// Four blocks share the reduction: after two exchanges each lane of four has a part of all their maximums.
INLINE void four_largest(const float *x, float *measures) {
    vi block[4];
    for (int i = 0; i < 4; ++i) block[i] = vi_max_unsigned(magnitudes(x + 32 * i), magnitudes(x + 32 * i + 16));
    vi pair[2];
    for (int i = 0; i < 2; ++i) {
        const vi a = block[2 * i], b = block[2 * i + 1];
        pair[i] = vi_max_unsigned(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
    }
    vi all = vi_max_unsigned(_mm512_unpacklo_epi64(pair[0], pair[1]), _mm512_unpackhi_epi64(pair[0], pair[1]));
    all = vi_max_unsigned(all, _mm512_shuffle_i32x4(all, all, 0x4e));
    all = vi_max_unsigned(all, _mm512_shuffle_i32x4(all, all, 0xb1));
    _mm_storeu_si128((__m128i *)measures, _mm512_castsi512_si128(all));
}

INLINE void block_codes(const float *x, float inverse, int8_t *codes, int32_t sum[2]) {
    for (int half = 0; half < 2; ++half) {
        const vf scaled = vf_mul(vf_load(x + 16 * half), vf_set1(inverse));
        const __m128i bytes = _mm512_cvtepi32_epi8(vf_round(scaled));
        _mm_storeu_si128((__m128i *)codes + half, bytes);
        // Sixteen unsigned ones times signed codes, four at a time.
        sum[half] = pl_sum_four_ints(_mm_dpbusd_epi32(_mm_setzero_si128(), _mm_set1_epi8(1), bytes));
    }
}

#define HAS_BLOCK_OUTLIER
/// The first group of four columns with the magnitude `largest`, and the largest magnitude outside of it.
INLINE int block_outlier(const float *x, float largest, float *rest) {
    const vi bits = vi_set1((int32_t)pl_bits(largest));
    const vi low = magnitudes(x), high = magnitudes(x + 16);
    const uint32_t found = vi_equal(low, bits) | (uint32_t)vi_equal(high, bits) << 16;
    const int group = __builtin_ctz(found) / PL_OUTLIER_COLUMNS;
    const uint32_t others = ~(15u << PL_OUTLIER_COLUMNS * group);
    const vi most = vi_max_unsigned(
        _mm512_maskz_mov_epi32((__mmask16)others, low), _mm512_maskz_mov_epi32((__mmask16)(others >> 16), high));
    *rest = pl_from_bits(_mm512_reduce_max_epu32(most));
    return group;
}

/// The integers that 16 activations times `inverse` are nearest to, as a high and a low part (see block_split in
/// activations.inc).
INLINE vi split_wholes(const float *x, float inverse, vi *low) {
    const vi whole = vf_round(vf_mul(vf_load(x), vf_set1(inverse)));
    const vi rounded = vi_add(_mm512_abs_epi32(whole), vi_set1((PL_OUTLIER_RADIX - 1) / 2));
    const vi product = _mm512_mullo_epi32(rounded, vi_set1(PL_RADIX_RECIPROCAL));
    const vi parts = vi_shift_right(product, PL_RADIX_RECIPROCAL_BITS), zero = vi_set1(0);
    const vi high = _mm512_mask_sub_epi32(parts, _mm512_cmplt_epi32_mask(whole, zero), zero, parts);
    *low = vi_sub(whole, _mm512_mullo_epi32(high, vi_set1(PL_OUTLIER_RADIX)));
    return high;
}

#define HAS_BLOCK_SPLIT
INLINE int32_t block_split(const float *x, float inverse, int8_t *low, int8_t *high, int32_t sum[2]) {
    vi low_parts[2], high_parts[2];
    for (int half = 0; half < 2; ++half) {
        high_parts[half] = split_wholes(x + 16 * half, inverse, &low_parts[half]);
        vi_store_bytes(low + 16 * half, &low_parts[half]);
        vi_store_bytes(high + 16 * half, &high_parts[half]);
        sum[half] = vi_sum(low_parts[half]);
    }
    return vi_sum(vi_add(high_parts[0], high_parts[1]));
}

#include "quant/activations.inc"
#endif
