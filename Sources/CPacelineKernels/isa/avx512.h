#ifndef PACELINE_ISA_AVX512_H
#define PACELINE_ISA_AVX512_H

#include <immintrin.h>

#include "isa/plain.h"
#include "isa/x86.h"

// The vocabulary of kernels, for AVX-512 with VNNI. Each set has a header with the same names, and a file includes one.
// isa/wide.inc builds vectors of sixteen lanes on any of them.
//
// An operation on floats is one correctly rounded IEEE operation per lane, so a lane has the bits of the scalar twin.

/// The function attribute that selects the instruction set, and what a function has that is part of others.
#define TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c")))
#define INLINE PL_INLINE TARGET

/// The name of this set's variant of a function or table: what PL_VARIANT chooses.
#define VARIANT(name) name##_avx512

/// Lanes of 32 bits in a vector.
#define LANES 16

typedef __m512 vf;     // float32
typedef __m512i vi;    // int32, or four times as many bytes
typedef __mmask16 vm;  // truth values
typedef __m512d vd;    // float64, half as many

// MARK: Floats

INLINE vf vf_load(const float *p) { return _mm512_loadu_ps(p); }
INLINE void vf_store(float *p, vf a) { _mm512_storeu_ps(p, a); }
INLINE vf vf_set1(float a) { return _mm512_set1_ps(a); }
INLINE vf vf_add(vf a, vf b) { return _mm512_add_ps(a, b); }
INLINE vf vf_sub(vf a, vf b) { return _mm512_sub_ps(a, b); }
INLINE vf vf_mul(vf a, vf b) { return _mm512_mul_ps(a, b); }
INLINE vf vf_div(vf a, vf b) { return _mm512_div_ps(a, b); }
INLINE vf vf_negate(vf a) { return _mm512_xor_ps(a, _mm512_set1_ps(-0.0f)); }
/// a * b + c
INLINE vf vf_fma(vf a, vf b, vf c) { return _mm512_fmadd_ps(a, b, c); }
/// c - a * b
INLINE vf vf_fnma(vf a, vf b, vf c) { return _mm512_fnmadd_ps(a, b, c); }
/// a * b - c
INLINE vf vf_fms(vf a, vf b, vf c) { return _mm512_fmsub_ps(a, b, c); }
/// a > b ? a : b, so b where either is NaN
INLINE vf vf_max(vf a, vf b) { return _mm512_max_ps(a, b); }
/// a < b ? a : b
INLINE vf vf_min(vf a, vf b) { return _mm512_min_ps(a, b); }
INLINE vm vf_greater(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ); }
INLINE vm vf_less(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
INLINE vm vf_equal(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }
/// a >= b
INLINE vm vf_at_least(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_GE_OQ); }
/// m ? a : b
INLINE vf vf_select(vm m, vf a, vf b) { return _mm512_mask_blend_ps(m, b, a); }
INLINE vi vf_bits(vf a) { return _mm512_castps_si512(a); }
/// The nearest integers, ties to even: the mode of rounding that every thread starts with and nothing here changes.
INLINE vi vf_round(vf a) { return _mm512_cvtps_epi32(a); }
/// The sum of the lanes by halving: i + (i + LANES / 2), and so on.
INLINE float vf_sum(vf a) {
    return pl_sum_eight(_mm256_add_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1)));
}

/// From and to float16. Loads take any address.
INLINE vf vf_load_half(const void *p) { return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p)); }
INLINE void vf_store_half(uint16_t *p, vf a) {
    _mm256_storeu_si256((__m256i *)p, _mm512_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}

/// Loads 2 * LANES floats: those with even and with odd index.
INLINE void vf_load_pairs(const float *p, vf *even, vf *odd) {
    const __m512i e = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    vf a = vf_load(p), b = vf_load(p + 16);
    *even = _mm512_permutex2var_ps(a, e, b);
    *odd = _mm512_permutex2var_ps(a, _mm512_add_epi32(e, _mm512_set1_epi32(1)), b);
}
/// Stores them, the inverse.
INLINE void vf_store_pairs(float *p, vf even, vf odd) {
    const __m512i low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    vf_store(p, _mm512_permutex2var_ps(even, low, odd));
    vf_store(p + 16, _mm512_permutex2var_ps(even, _mm512_add_epi32(low, _mm512_set1_epi32(8)), odd));
}

// MARK: Doubles

INLINE vd vd_zero(void) { return _mm512_setzero_pd(); }
INLINE vd vd_add(vd a, vd b) { return _mm512_add_pd(a, b); }
/// The lower half of the lanes of `a`, and the upper.
INLINE vd vd_low(vf a) { return _mm512_cvtps_pd(_mm512_castps512_ps256(a)); }
INLINE vd vd_high(vf a) { return _mm512_cvtps_pd(_mm512_extractf32x8_ps(a, 1)); }
/// The sum of the lanes by halving.
INLINE double vd_sum(vd a) {
    return pl_sum_four_doubles(_mm256_add_pd(_mm512_castpd512_pd256(a), _mm512_extractf64x4_pd(a, 1)));
}

// MARK: Integers

INLINE vi vi_load(const void *p) { return _mm512_loadu_si512(p); }
INLINE void vi_store(void *p, vi a) { _mm512_storeu_si512(p, a); }
INLINE vi vi_set1(int32_t a) { return _mm512_set1_epi32(a); }
INLINE vi vi_add(vi a, vi b) { return _mm512_add_epi32(a, b); }
INLINE vi vi_sub(vi a, vi b) { return _mm512_sub_epi32(a, b); }
INLINE vi vi_and(vi a, vi b) { return _mm512_and_si512(a, b); }
INLINE vi vi_or(vi a, vi b) { return _mm512_or_si512(a, b); }
INLINE vi vi_xor(vi a, vi b) { return _mm512_xor_si512(a, b); }
INLINE vi vi_shift_left(vi a, int n) { return _mm512_slli_epi32(a, (unsigned)n); }
INLINE vi vi_shift_right(vi a, int n) { return _mm512_srli_epi32(a, (unsigned)n); }
INLINE vi vi_shift_arithmetic(vi a, int n) { return _mm512_srai_epi32(a, (unsigned)n); }
INLINE vi vi_max_unsigned(vi a, vi b) { return _mm512_max_epu32(a, b); }
INLINE vm vi_equal(vi a, vi b) { return _mm512_cmpeq_epi32_mask(a, b); }
/// m ? a : b
INLINE vi vi_select(vm m, vi a, vi b) { return _mm512_mask_blend_epi32(m, b, a); }
INLINE vf vi_as_float(vi a) { return _mm512_castsi512_ps(a); }
INLINE vf vi_to_float(vi a) { return _mm512_cvtepi32_ps(a); }
/// The sum of the lanes, modulo 2^32.
INLINE int32_t vi_sum(vi a) { return _mm512_reduce_add_epi32(a); }
/// LANES uint16.
INLINE vi vi_load_shorts(const void *p) { return _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)p)); }
/// The low bytes of the lanes of 16 / LANES vectors.
INLINE void vi_store_bytes(int8_t *p, const vi *a) { _mm_storeu_si128((__m128i *)p, _mm512_cvtepi32_epi8(a[0])); }
/// The high and low halves of the unsigned products a * b.
INLINE void vi_multiply_wide(vi a, vi b, vi *high, vi *low) {
    __m512i even = _mm512_mul_epu32(a, b);
    __m512i odd = _mm512_mul_epu32(_mm512_srli_epi64(a, 32), _mm512_srli_epi64(b, 32));
    *low = _mm512_mask_blend_epi32(0xaaaa, even, _mm512_slli_epi64(odd, 32));
    *high = _mm512_mask_blend_epi32(0xaaaa, _mm512_srli_epi64(even, 32), odd);
}

// MARK: Bytes

/// Four bytes, the same in every lane.
INLINE vi vi_set1_four(const int8_t *p) {
    int32_t four;
    memcpy(&four, p, sizeof four);
    return _mm512_set1_epi32(four);
}
/// Each lane left by n (0 ..< 32, not a constant). Only bits that do not leave their byte, left by n or right by
/// 32 - n, are defined.
INLINE vi vi_rotate(vi a, int n) { return _mm512_rolv_epi32(a, _mm512_set1_epi32(n)); }
/// (high & mask) | low, where `low` has no bit of the mask.
INLINE vi vi_merge(vi high, vi mask, vi low) { return _mm512_ternarylogic_epi32(high, mask, low, 0xea); }
/// The bytes of `a` where a byte of bytes & bits is not zero, else 0. Each byte of `bits` has one bit.
INLINE vi vi_bytes_where(vi bytes, vi bits, vi a) {
    return _mm512_maskz_mov_epi8(_mm512_test_epi8_mask(bytes, bits), a);
}
/// table[index] for bytes of index < 16.
INLINE vi vi_lookup(const uint8_t table[16], vi index) {
    return _mm512_shuffle_epi8(_mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)table)), index);
}
/// Byte `byte` of each lane in all four of its bytes.
INLINE vi vi_spread(vi a, int byte) {
    const __m128i lanes = _mm_setr_epi8(0, 0, 0, 0, 4, 4, 4, 4, 8, 8, 8, 8, 12, 12, 12, 12);
    return _mm512_shuffle_epi8(a, _mm512_broadcast_i32x4(_mm_add_epi8(lanes, _mm_set1_epi8((char)byte))));
}

/// Bytes as vi_dot takes them: codes that are stored with 128 added.
typedef vi vc;
INLINE vc vc_load(const uint8_t *p) { return vi_load(p); }
/// sum + the four products of each lane: (code + DOT_OFFSET) * signed byte. So DOT_OFFSET times the sum of the signed
/// bytes has to be taken away.
INLINE vi vi_dot(vi sum, vc codes, vi bytes) { return _mm512_dpbusd_epi32(sum, codes, bytes); }
#define DOT_OFFSET 128

#endif
