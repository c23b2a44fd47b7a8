#ifndef PACELINE_LANES_AVX512_H
#define PACELINE_LANES_AVX512_H

#include <immintrin.h>
#include <stdint.h>

// Sixteen lanes in one AVX-512 register: the vocabulary that the *_body.h kernels are written in. Each operation is one
// correctly rounded IEEE operation per lane, so a lane has the bits of the scalar twin.

#define PL_LANES_TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c")))
#define PL_LANES(name) name##_avx512
#define PL_INLINE static inline __attribute__((always_inline)) PL_LANES_TARGET

typedef __m512 vf;     // 16 float32
typedef __m512i vi;    // 16 int32
typedef __mmask16 vm;  // 16 truth values
typedef struct {
    __m512d low, high;
} vd;  // 16 float64: lanes 0-7 and 8-15

PL_INLINE vf vf_load(const float *p) { return _mm512_loadu_ps(p); }
PL_INLINE void vf_store(float *p, vf a) { _mm512_storeu_ps(p, a); }
PL_INLINE vf vf_set1(float a) { return _mm512_set1_ps(a); }
PL_INLINE vf vf_add(vf a, vf b) { return _mm512_add_ps(a, b); }
PL_INLINE vf vf_sub(vf a, vf b) { return _mm512_sub_ps(a, b); }
PL_INLINE vf vf_mul(vf a, vf b) { return _mm512_mul_ps(a, b); }
PL_INLINE vf vf_div(vf a, vf b) { return _mm512_div_ps(a, b); }
PL_INLINE vf vf_fma(vf a, vf b, vf c) { return _mm512_fmadd_ps(a, b, c); }
/// c - a * b
PL_INLINE vf vf_fnma(vf a, vf b, vf c) { return _mm512_fnmadd_ps(a, b, c); }
/// a * b - c
PL_INLINE vf vf_fms(vf a, vf b, vf c) { return _mm512_fmsub_ps(a, b, c); }
/// a > b ? a : b, so b where either is NaN
PL_INLINE vf vf_max(vf a, vf b) { return _mm512_max_ps(a, b); }
/// a < b ? a : b
PL_INLINE vf vf_min(vf a, vf b) { return _mm512_min_ps(a, b); }
PL_INLINE vm vf_greater(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ); }
PL_INLINE vm vf_less(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
PL_INLINE vm vf_equal(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }
/// a >= b
PL_INLINE vm vf_at_least(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_GE_OQ); }
/// m ? a : b
PL_INLINE vf vf_select(vm m, vf a, vf b) { return _mm512_mask_blend_ps(m, b, a); }
PL_INLINE vi vf_bits(vf a) { return _mm512_castps_si512(a); }

PL_INLINE vi vi_load(const int32_t *p) { return _mm512_loadu_si512(p); }
PL_INLINE void vi_store(int32_t *p, vi a) { _mm512_storeu_si512(p, a); }
PL_INLINE vi vi_set1(int32_t a) { return _mm512_set1_epi32(a); }
PL_INLINE vi vi_add(vi a, vi b) { return _mm512_add_epi32(a, b); }
PL_INLINE vi vi_sub(vi a, vi b) { return _mm512_sub_epi32(a, b); }
PL_INLINE vi vi_xor(vi a, vi b) { return _mm512_xor_si512(a, b); }
#define vi_shift_left(a, n) _mm512_slli_epi32(a, n)
#define vi_shift_right(a, n) _mm512_srli_epi32(a, n)
#define vi_shift_arithmetic(a, n) _mm512_srai_epi32(a, n)
PL_INLINE vm vi_equal(vi a, vi b) { return _mm512_cmpeq_epi32_mask(a, b); }
PL_INLINE vi vi_select(vm m, vi a, vi b) { return _mm512_mask_blend_epi32(m, b, a); }
PL_INLINE vf vi_as_float(vi a) { return _mm512_castsi512_ps(a); }
PL_INLINE vf vi_to_float(vi a) { return _mm512_cvtepi32_ps(a); }

/// 16 x 4 bytes, as vi_dot takes them.
typedef __m512i vc;
/// What vi_dot adds to each code. Subtract it times the sum of the q.
enum { PL_DOT_OFFSET = 128 };
PL_INLINE vc vc_load(const uint8_t *p) { return _mm512_loadu_si512(p); }
/// a + the sum over the four bytes of each lane of (code + PL_DOT_OFFSET) * q; codes are stored with 128 added.
PL_INLINE vi vi_dot(vi a, vc codes, const int8_t *q) {
    int32_t four;
    __builtin_memcpy(&four, q, sizeof four);
    return _mm512_dpbusd_epi32(a, codes, _mm512_set1_epi32(four));
}
/// The low bytes of the lanes.
PL_INLINE void vi_store_bytes(int8_t *p, vi a) { _mm_storeu_si128((__m128i *)p, _mm512_cvtepi32_epi8(a)); }
/// The sum of the lanes, modulo 2^32.
PL_INLINE int32_t vi_sum(vi a) { return _mm512_reduce_add_epi32(a); }

/// The high and low halves of the unsigned products a * b.
PL_INLINE void vi_multiply_wide(vi a, vi b, vi *high, vi *low) {
    __m512i even = _mm512_mul_epu32(a, b);
    __m512i odd = _mm512_mul_epu32(_mm512_srli_epi64(a, 32), _mm512_srli_epi64(b, 32));
    *low = _mm512_mask_blend_epi32(0xaaaa, even, _mm512_slli_epi64(odd, 32));
    *high = _mm512_mask_blend_epi32(0xaaaa, _mm512_srli_epi64(even, 32), odd);
}

PL_INLINE vf vf_load_half(const uint16_t *p) { return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p)); }
PL_INLINE void vf_store_half(uint16_t *p, vf a) {
    _mm256_storeu_si256((__m256i *)p, _mm512_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}

/// The sum of the lanes by halving: i + (i + 8), then + 4, + 2, + 1.
PL_INLINE float vf_sum(vf a) {
    __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

PL_INLINE vd vd_zero(void) { return (vd){_mm512_setzero_pd(), _mm512_setzero_pd()}; }
/// a + (double)b
PL_INLINE vd vd_add(vd a, vf b) {
    return (vd){
        _mm512_add_pd(a.low, _mm512_cvtps_pd(_mm512_castps512_ps256(b))),
        _mm512_add_pd(a.high, _mm512_cvtps_pd(_mm512_extractf32x8_ps(b, 1)))};
}
PL_INLINE double vd_sum(vd a) {
    __m512d eight = _mm512_add_pd(a.low, a.high);
    __m256d four = _mm256_add_pd(_mm512_castpd512_pd256(eight), _mm512_extractf64x4_pd(eight, 1));
    __m128d two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
    return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
}

/// Loads 32 floats: those with even and with odd index.
PL_INLINE void vf_load_pairs(const float *p, vf *even, vf *odd) {
    const __m512i e = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    __m512 a = vf_load(p), b = vf_load(p + 16);
    *even = _mm512_permutex2var_ps(a, e, b);
    *odd = _mm512_permutex2var_ps(a, _mm512_add_epi32(e, _mm512_set1_epi32(1)), b);
}
/// Stores 32 floats, the inverse of vf_load_pairs.
PL_INLINE void vf_store_pairs(float *p, vf even, vf odd) {
    const __m512i low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    vf_store(p, _mm512_permutex2var_ps(even, low, odd));
    vf_store(p + 16, _mm512_permutex2var_ps(even, _mm512_add_epi32(low, _mm512_set1_epi32(8)), odd));
}

#endif
