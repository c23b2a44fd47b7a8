#ifndef PACELINE_LANES_AVX2_H
#define PACELINE_LANES_AVX2_H

#include <immintrin.h>
#include <stdint.h>

// Sixteen lanes in two AVX2 registers: `low` has lanes 0-7, `high` lanes 8-15. See lanes_avx512.h.

#define PL_LANES_TARGET __attribute__((target("avx2,fma,f16c")))
#define PL_LANES(name) name##_avx2
#define PL_INLINE static inline __attribute__((always_inline)) PL_LANES_TARGET

typedef struct {
    __m256 low, high;
} vf;
typedef struct {
    __m256i low, high;
} vi;
typedef vf vm;  // all bits of a lane are set or clear
typedef struct {
    __m256d part[4];
} vd;

PL_INLINE vf vf_load(const float *p) { return (vf){_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
PL_INLINE void vf_store(float *p, vf a) {
    _mm256_storeu_ps(p, a.low);
    _mm256_storeu_ps(p + 8, a.high);
}
PL_INLINE vf vf_set1(float a) { return (vf){_mm256_set1_ps(a), _mm256_set1_ps(a)}; }
PL_INLINE vf vf_add(vf a, vf b) { return (vf){_mm256_add_ps(a.low, b.low), _mm256_add_ps(a.high, b.high)}; }
PL_INLINE vf vf_sub(vf a, vf b) { return (vf){_mm256_sub_ps(a.low, b.low), _mm256_sub_ps(a.high, b.high)}; }
PL_INLINE vf vf_mul(vf a, vf b) { return (vf){_mm256_mul_ps(a.low, b.low), _mm256_mul_ps(a.high, b.high)}; }
PL_INLINE vf vf_div(vf a, vf b) { return (vf){_mm256_div_ps(a.low, b.low), _mm256_div_ps(a.high, b.high)}; }
PL_INLINE vf vf_fma(vf a, vf b, vf c) {
    return (vf){_mm256_fmadd_ps(a.low, b.low, c.low), _mm256_fmadd_ps(a.high, b.high, c.high)};
}
PL_INLINE vf vf_fnma(vf a, vf b, vf c) {
    return (vf){_mm256_fnmadd_ps(a.low, b.low, c.low), _mm256_fnmadd_ps(a.high, b.high, c.high)};
}
PL_INLINE vf vf_fms(vf a, vf b, vf c) {
    return (vf){_mm256_fmsub_ps(a.low, b.low, c.low), _mm256_fmsub_ps(a.high, b.high, c.high)};
}
PL_INLINE vf vf_max(vf a, vf b) { return (vf){_mm256_max_ps(a.low, b.low), _mm256_max_ps(a.high, b.high)}; }
PL_INLINE vf vf_min(vf a, vf b) { return (vf){_mm256_min_ps(a.low, b.low), _mm256_min_ps(a.high, b.high)}; }
#define PL_COMPARE(a, b, kind) ((vm){_mm256_cmp_ps(a.low, b.low, kind), _mm256_cmp_ps(a.high, b.high, kind)})
PL_INLINE vm vf_greater(vf a, vf b) { return PL_COMPARE(a, b, _CMP_GT_OQ); }
PL_INLINE vm vf_less(vf a, vf b) { return PL_COMPARE(a, b, _CMP_LT_OQ); }
PL_INLINE vm vf_equal(vf a, vf b) { return PL_COMPARE(a, b, _CMP_EQ_OQ); }
PL_INLINE vm vf_at_least(vf a, vf b) { return PL_COMPARE(a, b, _CMP_GE_OQ); }
PL_INLINE vf vf_select(vm m, vf a, vf b) {
    return (vf){_mm256_blendv_ps(b.low, a.low, m.low), _mm256_blendv_ps(b.high, a.high, m.high)};
}
PL_INLINE vi vf_bits(vf a) { return (vi){_mm256_castps_si256(a.low), _mm256_castps_si256(a.high)}; }

PL_INLINE vi vi_load(const int32_t *p) {
    return (vi){_mm256_loadu_si256((const __m256i *)p), _mm256_loadu_si256((const __m256i *)(p + 8))};
}
PL_INLINE void vi_store(int32_t *p, vi a) {
    _mm256_storeu_si256((__m256i *)p, a.low);
    _mm256_storeu_si256((__m256i *)(p + 8), a.high);
}
PL_INLINE vi vi_set1(int32_t a) { return (vi){_mm256_set1_epi32(a), _mm256_set1_epi32(a)}; }
PL_INLINE vi vi_add(vi a, vi b) { return (vi){_mm256_add_epi32(a.low, b.low), _mm256_add_epi32(a.high, b.high)}; }
PL_INLINE vi vi_sub(vi a, vi b) { return (vi){_mm256_sub_epi32(a.low, b.low), _mm256_sub_epi32(a.high, b.high)}; }
PL_INLINE vi vi_xor(vi a, vi b) { return (vi){_mm256_xor_si256(a.low, b.low), _mm256_xor_si256(a.high, b.high)}; }
#define vi_shift_left(a, n) ((vi){_mm256_slli_epi32((a).low, n), _mm256_slli_epi32((a).high, n)})
#define vi_shift_right(a, n) ((vi){_mm256_srli_epi32((a).low, n), _mm256_srli_epi32((a).high, n)})
#define vi_shift_arithmetic(a, n) ((vi){_mm256_srai_epi32((a).low, n), _mm256_srai_epi32((a).high, n)})
PL_INLINE vf vi_as_float(vi a) { return (vf){_mm256_castsi256_ps(a.low), _mm256_castsi256_ps(a.high)}; }
PL_INLINE vm vi_equal(vi a, vi b) {
    return vi_as_float((vi){_mm256_cmpeq_epi32(a.low, b.low), _mm256_cmpeq_epi32(a.high, b.high)});
}
PL_INLINE vi vi_select(vm m, vi a, vi b) { return vf_bits(vf_select(m, vi_as_float(a), vi_as_float(b))); }
PL_INLINE vf vi_to_float(vi a) { return (vf){_mm256_cvtepi32_ps(a.low), _mm256_cvtepi32_ps(a.high)}; }

typedef struct {
    vi even, odd;
} vc;  // the bytes of each 32-bit lane with even and with odd number, as 16 bits
enum { PL_DOT_OFFSET = 128 };
PL_INLINE vc vc_load(const uint8_t *p) {
    const __m256i low = _mm256_set1_epi16(0xff);
    __m256i a = _mm256_loadu_si256((const __m256i *)p), b = _mm256_loadu_si256((const __m256i *)(p + 32));
    return (vc){
        {_mm256_and_si256(a, low), _mm256_and_si256(b, low)}, {_mm256_srli_epi16(a, 8), _mm256_srli_epi16(b, 8)}};
}
// Sums of two products of 8 bits fit into the 32 bits of a pair of 16: nothing saturates.
PL_INLINE __m256i pl_dot_half(__m256i sum, __m256i even, __m256i odd, __m256i q_even, __m256i q_odd) {
    sum = _mm256_add_epi32(sum, _mm256_madd_epi16(even, q_even));
    return _mm256_add_epi32(sum, _mm256_madd_epi16(odd, q_odd));
}
PL_INLINE vi vi_dot(vi a, vc codes, const int8_t *q) {
    int32_t four;
    __builtin_memcpy(&four, q, sizeof four);
    __m256i all = _mm256_set1_epi32(four);
    __m256i even = _mm256_srai_epi16(_mm256_slli_epi16(all, 8), 8), odd = _mm256_srai_epi16(all, 8);
    return (vi){
        pl_dot_half(a.low, codes.even.low, codes.odd.low, even, odd),
        pl_dot_half(a.high, codes.even.high, codes.odd.high, even, odd)};
}
PL_INLINE void vi_store_bytes(int8_t *p, vi a) {
    const __m256i low = _mm256_set1_epi32(0xff);
    __m256i words = _mm256_packus_epi32(_mm256_and_si256(a.low, low), _mm256_and_si256(a.high, low));
    words = _mm256_permute4x64_epi64(words, 0xd8);
    __m128i bytes = _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    _mm_storeu_si128((__m128i *)p, bytes);
}
PL_INLINE int32_t vi_sum(vi a) {
    int32_t lanes[16], sum = 0;
    vi_store(lanes, a);
    for (int i = 0; i < 16; ++i) sum = (int32_t)((uint32_t)sum + (uint32_t)lanes[i]);
    return sum;
}

PL_INLINE void pl_multiply_wide_half(__m256i a, __m256i b, __m256i *high, __m256i *low) {
    __m256i even = _mm256_mul_epu32(a, b);
    __m256i odd = _mm256_mul_epu32(_mm256_srli_epi64(a, 32), _mm256_srli_epi64(b, 32));
    *low = _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xaa);
    *high = _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa);
}
PL_INLINE void vi_multiply_wide(vi a, vi b, vi *high, vi *low) {
    pl_multiply_wide_half(a.low, b.low, &high->low, &low->low);
    pl_multiply_wide_half(a.high, b.high, &high->high, &low->high);
}

PL_INLINE vf vf_load_half(const uint16_t *p) {
    return (vf){
        _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p)),
        _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(p + 8)))};
}
PL_INLINE void vf_store_half(uint16_t *p, vf a) {
    _mm_storeu_si128((__m128i *)p, _mm256_cvtps_ph(a.low, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
    _mm_storeu_si128((__m128i *)(p + 8), _mm256_cvtps_ph(a.high, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}

PL_INLINE float vf_sum(vf a) {
    __m256 eight = _mm256_add_ps(a.low, a.high);
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

PL_INLINE vd vd_zero(void) {
    __m256d zero = _mm256_setzero_pd();
    return (vd){{zero, zero, zero, zero}};
}
PL_INLINE vd vd_add(vd a, vf b) {
    a.part[0] = _mm256_add_pd(a.part[0], _mm256_cvtps_pd(_mm256_castps256_ps128(b.low)));
    a.part[1] = _mm256_add_pd(a.part[1], _mm256_cvtps_pd(_mm256_extractf128_ps(b.low, 1)));
    a.part[2] = _mm256_add_pd(a.part[2], _mm256_cvtps_pd(_mm256_castps256_ps128(b.high)));
    a.part[3] = _mm256_add_pd(a.part[3], _mm256_cvtps_pd(_mm256_extractf128_ps(b.high, 1)));
    return a;
}
PL_INLINE double vd_sum(vd a) {
    __m256d four = _mm256_add_pd(_mm256_add_pd(a.part[0], a.part[2]), _mm256_add_pd(a.part[1], a.part[3]));
    __m128d two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
    return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
}

PL_INLINE void pl_load_pairs_half(const float *p, __m256 *even, __m256 *odd) {
    __m256 a = _mm256_loadu_ps(p), b = _mm256_loadu_ps(p + 8);
    __m256 low = _mm256_permute2f128_ps(a, b, 0x20), high = _mm256_permute2f128_ps(a, b, 0x31);
    *even = _mm256_shuffle_ps(low, high, 0x88);
    *odd = _mm256_shuffle_ps(low, high, 0xdd);
}
PL_INLINE void vf_load_pairs(const float *p, vf *even, vf *odd) {
    pl_load_pairs_half(p, &even->low, &odd->low);
    pl_load_pairs_half(p + 16, &even->high, &odd->high);
}
PL_INLINE void pl_store_pairs_half(float *p, __m256 even, __m256 odd) {
    __m256 low = _mm256_unpacklo_ps(even, odd), high = _mm256_unpackhi_ps(even, odd);
    _mm256_storeu_ps(p, _mm256_permute2f128_ps(low, high, 0x20));
    _mm256_storeu_ps(p + 8, _mm256_permute2f128_ps(low, high, 0x31));
}
PL_INLINE void vf_store_pairs(float *p, vf even, vf odd) {
    pl_store_pairs_half(p, even.low, odd.low);
    pl_store_pairs_half(p + 16, even.high, odd.high);
}

#endif
