#ifndef PACELINE_ISA_X86_H
#define PACELINE_ISA_X86_H

#include <immintrin.h>

#include "isa/plain.h"

// The ends of reductions, shared by AVX2 and AVX-512. Floats are added by halving: i + (i + 4), then + 2, then + 1.

#define PL_AVX2 __attribute__((target("avx2,fma,f16c")))

PL_INLINE PL_AVX2 float pl_sum_eight(__m256 a) {
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

PL_INLINE PL_AVX2 double pl_sum_four_doubles(__m256d a) {
    __m128d two = _mm_add_pd(_mm256_castpd256_pd128(a), _mm256_extractf128_pd(a, 1));
    return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
}

PL_INLINE PL_AVX2 int32_t pl_sum_four_ints(__m128i a) {
    a = _mm_add_epi32(a, _mm_shuffle_epi32(a, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(a, _mm_shuffle_epi32(a, 0xb1)));
}

#endif
