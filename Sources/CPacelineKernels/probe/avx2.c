#if defined(__x86_64__)
#include <immintrin.h>

#include "probe/kernels.h"

enum { INT8_CHAINS = 8, FLOAT_CHAINS = 12 };

__attribute__((target("avx2"))) static uint64_t read_codes(const uint8_t *data, size_t bytes) {
    const __m256i mask = _mm256_set1_epi8(15), x = _mm256_set1_epi8(3), y = _mm256_set1_epi8(5);
    const __m256i ones = _mm256_set1_epi16(1);
    __m256i sums[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
    for (size_t i = 0; i < bytes; i += 64) {
        pl_prefetch_ahead(data + i);
        for (size_t half = 0; half < 2; ++half) {
            const __m256i codes = _mm256_load_si256((const __m256i *)(data + i + 32 * half));
            const __m256i low = _mm256_maddubs_epi16(_mm256_and_si256(codes, mask), x);
            const __m256i high = _mm256_maddubs_epi16(_mm256_and_si256(_mm256_srli_epi32(codes, 4), mask), y);
            sums[half] = _mm256_add_epi32(sums[half], _mm256_madd_epi16(_mm256_add_epi16(low, high), ones));
        }
    }
    const __m256i both = _mm256_add_epi32(sums[0], sums[1]);
    __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(both), _mm256_extracti128_si256(both, 1));
    sum = _mm_hadd_epi32(sum, sum);
    return (uint32_t)_mm_cvtsi128_si32(_mm_hadd_epi32(sum, sum));
}

__attribute__((target("avx2"))) static uint64_t int8_dots(uint64_t rounds) {
    __m256i sums[INT8_CHAINS], x = _mm256_set1_epi16((short)rounds), y = _mm256_set1_epi16(3);
    for (int i = 0; i < INT8_CHAINS; ++i) sums[i] = _mm256_set1_epi32(i);
    for (uint64_t round = 0; round < rounds; ++round) {
#pragma clang loop unroll(full)
        for (int i = 0; i < INT8_CHAINS; ++i) {
            sums[i] = _mm256_add_epi32(sums[i], _mm256_madd_epi16(_mm256_add_epi16(x, sums[i]), y));
        }
    }
    for (int i = 1; i < INT8_CHAINS; ++i) sums[0] = _mm256_add_epi32(sums[0], sums[i]);
    return (uint64_t)_mm256_extract_epi32(sums[0], 0);
}

__attribute__((target("avx2,fma"))) static uint64_t float_products(uint64_t rounds) {
    __m256 sums[FLOAT_CHAINS], x = _mm256_set1_ps(0.5f), y = _mm256_set1_ps(1.0f);
    for (int i = 0; i < FLOAT_CHAINS; ++i) sums[i] = _mm256_set1_ps((float)i);
    for (uint64_t round = 0; round < rounds; ++round) {
#pragma clang loop unroll(full)
        for (int i = 0; i < FLOAT_CHAINS; ++i) sums[i] = _mm256_fmadd_ps(sums[i], x, y);
    }
    for (int i = 1; i < FLOAT_CHAINS; ++i) sums[0] = _mm256_add_ps(sums[0], sums[i]);
    return (uint64_t)_mm256_cvtss_f32(sums[0]);
}

const pl_probe_kernels pl_probe_avx2 = {
    .read = pl_probe_read_scalar,
    .read_codes = read_codes,
    .int8 = int8_dots,
    .float32 = float_products,
    .int8_per_round = INT8_CHAINS * 16,
    .float32_per_round = FLOAT_CHAINS * 8,
};
#endif
