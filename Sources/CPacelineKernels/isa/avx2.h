#ifndef PACELINE_ISA_AVX2_H
#define PACELINE_ISA_AVX2_H

#include <immintrin.h>

#include "isa/plain.h"
#include "isa/x86.h"

// The vocabulary of kernels, for AVX2; isa/avx512.h says what the names mean.

#define TARGET PL_AVX2
#define INLINE PL_INLINE TARGET
#define VARIANT(name) name##_avx2
#define LANES 8

typedef __m256 vf;
typedef __m256i vi;
typedef vf vm;  // all bits of a lane are set or clear
typedef __m256d vd;

// MARK: Floats

INLINE vf vf_load(const float *p) { return _mm256_loadu_ps(p); }
INLINE void vf_store(float *p, vf a) { _mm256_storeu_ps(p, a); }
INLINE vf vf_set1(float a) { return _mm256_set1_ps(a); }
INLINE vf vf_add(vf a, vf b) { return _mm256_add_ps(a, b); }
INLINE vf vf_sub(vf a, vf b) { return _mm256_sub_ps(a, b); }
INLINE vf vf_mul(vf a, vf b) { return _mm256_mul_ps(a, b); }
INLINE vf vf_div(vf a, vf b) { return _mm256_div_ps(a, b); }
INLINE vf vf_negate(vf a) { return _mm256_xor_ps(a, _mm256_set1_ps(-0.0f)); }
INLINE vf vf_fma(vf a, vf b, vf c) { return _mm256_fmadd_ps(a, b, c); }
INLINE vf vf_fnma(vf a, vf b, vf c) { return _mm256_fnmadd_ps(a, b, c); }
INLINE vf vf_fms(vf a, vf b, vf c) { return _mm256_fmsub_ps(a, b, c); }
INLINE vf vf_max(vf a, vf b) { return _mm256_max_ps(a, b); }
INLINE vf vf_min(vf a, vf b) { return _mm256_min_ps(a, b); }
INLINE vm vf_greater(vf a, vf b) { return _mm256_cmp_ps(a, b, _CMP_GT_OQ); }
INLINE vm vf_less(vf a, vf b) { return _mm256_cmp_ps(a, b, _CMP_LT_OQ); }
INLINE vm vf_equal(vf a, vf b) { return _mm256_cmp_ps(a, b, _CMP_EQ_OQ); }
INLINE vm vf_at_least(vf a, vf b) { return _mm256_cmp_ps(a, b, _CMP_GE_OQ); }
INLINE vf vf_select(vm m, vf a, vf b) { return _mm256_blendv_ps(b, a, m); }
INLINE vi vf_bits(vf a) { return _mm256_castps_si256(a); }
INLINE vi vf_round(vf a) { return _mm256_cvtps_epi32(a); }
INLINE float vf_sum(vf a) { return pl_sum_eight(a); }

INLINE vf vf_load_half(const void *p) { return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p)); }
INLINE void vf_store_half(uint16_t *p, vf a) {
    _mm_storeu_si128((__m128i *)p, _mm256_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}

INLINE void vf_load_pairs(const float *p, vf *even, vf *odd) {
    vf a = vf_load(p), b = vf_load(p + 8);
    vf low = _mm256_permute2f128_ps(a, b, 0x20), high = _mm256_permute2f128_ps(a, b, 0x31);
    *even = _mm256_shuffle_ps(low, high, 0x88);
    *odd = _mm256_shuffle_ps(low, high, 0xdd);
}
INLINE void vf_store_pairs(float *p, vf even, vf odd) {
    vf low = _mm256_unpacklo_ps(even, odd), high = _mm256_unpackhi_ps(even, odd);
    vf_store(p, _mm256_permute2f128_ps(low, high, 0x20));
    vf_store(p + 8, _mm256_permute2f128_ps(low, high, 0x31));
}

// MARK: Doubles

INLINE vd vd_zero(void) { return _mm256_setzero_pd(); }
INLINE vd vd_add(vd a, vd b) { return _mm256_add_pd(a, b); }
INLINE vd vd_low(vf a) { return _mm256_cvtps_pd(_mm256_castps256_ps128(a)); }
INLINE vd vd_high(vf a) { return _mm256_cvtps_pd(_mm256_extractf128_ps(a, 1)); }
INLINE double vd_sum(vd a) { return pl_sum_four_doubles(a); }

// MARK: Integers

INLINE vi vi_load(const void *p) { return _mm256_loadu_si256((const __m256i *)p); }
INLINE void vi_store(void *p, vi a) { _mm256_storeu_si256((__m256i *)p, a); }
INLINE vi vi_set1(int32_t a) { return _mm256_set1_epi32(a); }
INLINE vi vi_add(vi a, vi b) { return _mm256_add_epi32(a, b); }
INLINE vi vi_sub(vi a, vi b) { return _mm256_sub_epi32(a, b); }
INLINE vi vi_and(vi a, vi b) { return _mm256_and_si256(a, b); }
INLINE vi vi_or(vi a, vi b) { return _mm256_or_si256(a, b); }
INLINE vi vi_xor(vi a, vi b) { return _mm256_xor_si256(a, b); }
INLINE vi vi_shift_left(vi a, int n) { return _mm256_slli_epi32(a, n); }
INLINE vi vi_shift_right(vi a, int n) { return _mm256_srli_epi32(a, n); }
INLINE vi vi_shift_arithmetic(vi a, int n) { return _mm256_srai_epi32(a, n); }
INLINE vi vi_max_unsigned(vi a, vi b) { return _mm256_max_epu32(a, b); }
INLINE vf vi_as_float(vi a) { return _mm256_castsi256_ps(a); }
INLINE vf vi_to_float(vi a) { return _mm256_cvtepi32_ps(a); }
INLINE vm vi_equal(vi a, vi b) { return vi_as_float(_mm256_cmpeq_epi32(a, b)); }
INLINE vi vi_select(vm m, vi a, vi b) { return vf_bits(vf_select(m, vi_as_float(a), vi_as_float(b))); }
INLINE int32_t vi_sum(vi a) {
    return pl_sum_four_ints(_mm_add_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1)));
}
INLINE vi vi_load_shorts(const void *p) { return _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)p)); }
INLINE void vi_store_bytes(int8_t *p, const vi *a) {
    const vi low = vi_set1(0xff);
    vi words = _mm256_packus_epi32(vi_and(a[0], low), vi_and(a[1], low));
    words = _mm256_permute4x64_epi64(words, 0xd8);
    __m128i bytes = _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    _mm_storeu_si128((__m128i *)p, bytes);
}
INLINE void vi_multiply_wide(vi a, vi b, vi *high, vi *low) {
    vi even = _mm256_mul_epu32(a, b);
    vi odd = _mm256_mul_epu32(_mm256_srli_epi64(a, 32), _mm256_srli_epi64(b, 32));
    *low = _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xaa);
    *high = _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa);
}

// MARK: Bytes

INLINE vi vi_set1_four(const int8_t *p) {
    int32_t four;
    memcpy(&four, p, sizeof four);
    return vi_set1(four);
}
INLINE vi vi_rotate(vi a, int n) {
    return vi_or(_mm256_sll_epi32(a, _mm_cvtsi32_si128(n)), _mm256_srl_epi32(a, _mm_cvtsi32_si128(32 - n)));
}
INLINE vi vi_merge(vi high, vi mask, vi low) { return vi_or(vi_and(high, mask), low); }
INLINE vi vi_bytes_where(vi bytes, vi bits, vi a) { return vi_and(_mm256_cmpeq_epi8(vi_and(bytes, bits), bits), a); }
INLINE vi vi_lookup(const uint8_t table[16], vi index) {
    return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)table)), index);
}
INLINE vi vi_spread(vi a, int byte) {
    const __m128i lanes = _mm_setr_epi8(0, 0, 0, 0, 4, 4, 4, 4, 8, 8, 8, 8, 12, 12, 12, 12);
    return _mm256_shuffle_epi8(a, _mm256_broadcastsi128_si256(_mm_add_epi8(lanes, _mm_set1_epi8((char)byte))));
}
/// The sums of pairs of the 16-bit halves of each lane times those of the other vector.
INLINE vi vi_multiply_pairs(vi a, vi b) { return _mm256_madd_epi16(a, b); }

typedef struct vc {
    vi even, odd;
} vc;  // the bytes of each lane with even and with odd number, as 16 bits
INLINE vc vc_load(const uint8_t *p) {
    vi all = vi_load(p);
    return (vc){vi_and(all, _mm256_set1_epi16(0xff)), _mm256_srli_epi16(all, 8)};
}
/// Sums of two products of 8 bits fit into the 32 bits of a pair of 16: nothing saturates.
INLINE vi vi_dot(vi sum, vc codes, vi bytes) {
    vi even = _mm256_srai_epi16(_mm256_slli_epi16(bytes, 8), 8), odd = _mm256_srai_epi16(bytes, 8);
    sum = vi_add(sum, vi_multiply_pairs(codes.even, even));
    return vi_add(sum, vi_multiply_pairs(codes.odd, odd));
}
#define DOT_OFFSET 128

#endif
