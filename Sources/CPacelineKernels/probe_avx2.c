#if defined(__x86_64__)
#include <immintrin.h>

#include "probe_kernels.h"

enum { INT8_CHAINS = 8, FLOAT_CHAINS = 12 };

__attribute__((target("avx2"))) static uint64_t int8_dots(uint64_t rounds) {
    __m256i sums[INT8_CHAINS], x = _mm256_set1_epi16((short)rounds), y = _mm256_set1_epi16(3);
    for (int i = 0; i < INT8_CHAINS; i++) sums[i] = _mm256_set1_epi32(i);
    for (uint64_t round = 0; round < rounds; round++) {
#pragma clang loop unroll(full)
        for (int i = 0; i < INT8_CHAINS; i++) {
            sums[i] = _mm256_add_epi32(sums[i], _mm256_madd_epi16(_mm256_add_epi16(x, sums[i]), y));
        }
    }
    for (int i = 1; i < INT8_CHAINS; i++) sums[0] = _mm256_add_epi32(sums[0], sums[i]);
    return (uint64_t)_mm256_extract_epi32(sums[0], 0);
}

__attribute__((target("avx2,fma"))) static uint64_t float_products(uint64_t rounds) {
    __m256 sums[FLOAT_CHAINS], x = _mm256_set1_ps(0.5f), y = _mm256_set1_ps(1.0f);
    for (int i = 0; i < FLOAT_CHAINS; i++) sums[i] = _mm256_set1_ps((float)i);
    for (uint64_t round = 0; round < rounds; round++) {
#pragma clang loop unroll(full)
        for (int i = 0; i < FLOAT_CHAINS; i++) sums[i] = _mm256_fmadd_ps(sums[i], x, y);
    }
    for (int i = 1; i < FLOAT_CHAINS; i++) sums[0] = _mm256_add_ps(sums[0], sums[i]);
    return (uint64_t)_mm256_cvtss_f32(sums[0]);
}

const pl_probe_kernels pl_probe_avx2 = {
    .read = pl_probe_read_scalar,
    .int8 = int8_dots,
    .float32 = float_products,
    .int8_per_round = INT8_CHAINS * 16,
    .float32_per_round = FLOAT_CHAINS * 8,
};
#endif
