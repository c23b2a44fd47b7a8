#if defined(__x86_64__)
#include <immintrin.h>

#include "probe/kernels.h"

enum { CHAINS = 16 };

__attribute__((target("avx512f"))) static uint64_t read_all(const uint8_t *data, size_t bytes) {
    __m512i a = _mm512_setzero_si512(), b = a;
    size_t i = 0;
    for (; i + 128 <= bytes; i += 128) {
        pl_prefetch_ahead(data + i);
        pl_prefetch_ahead(data + i + 64);
        a = _mm512_xor_si512(a, _mm512_load_si512(data + i));
        b = _mm512_xor_si512(b, _mm512_load_si512(data + i + 64));
    }
    for (; i < bytes; i += 64) a = _mm512_xor_si512(a, _mm512_load_si512(data + i));
    return (uint64_t)_mm512_reduce_add_epi64(_mm512_xor_si512(a, b));
}

__attribute__((target("avx512f,avx512vnni"))) static uint64_t read_codes(const uint8_t *data, size_t bytes) {
    const __m512i mask = _mm512_set1_epi8(15), x = _mm512_set1_epi8(3), y = _mm512_set1_epi8(5);
    __m512i a = _mm512_setzero_si512(), b = a;
    for (size_t i = 0; i < bytes; i += 64) {
        pl_prefetch_ahead(data + i);
        const __m512i codes = _mm512_load_si512(data + i);
        const __m512i low = _mm512_and_si512(codes, mask), high = _mm512_and_si512(_mm512_srli_epi32(codes, 4), mask);
        a = _mm512_dpbusd_epi32(a, low, x);
        b = _mm512_dpbusd_epi32(b, high, y);
    }
    return (uint32_t)_mm512_reduce_add_epi32(_mm512_add_epi32(a, b));
}

__attribute__((target("avx512f,avx512vnni"))) static uint64_t int8_dots(uint64_t rounds) {
    __m512i sums[CHAINS], x = _mm512_set1_epi32((int)rounds), y = _mm512_set1_epi8(3);
    for (int i = 0; i < CHAINS; ++i) sums[i] = _mm512_set1_epi32(i);
    for (uint64_t round = 0; round < rounds; ++round) {
#pragma clang loop unroll(full)
        for (int i = 0; i < CHAINS; ++i) sums[i] = _mm512_dpbusd_epi32(sums[i], x, y);
    }
    for (int i = 1; i < CHAINS; ++i) sums[0] = _mm512_add_epi32(sums[0], sums[i]);
    return (uint64_t)_mm512_reduce_add_epi32(sums[0]);
}

__attribute__((target("avx512f"))) static uint64_t float_products(uint64_t rounds) {
    __m512 sums[CHAINS], x = _mm512_set1_ps(0.5f), y = _mm512_set1_ps(1.0f);
    for (int i = 0; i < CHAINS; ++i) sums[i] = _mm512_set1_ps((float)i);
    for (uint64_t round = 0; round < rounds; ++round) {
#pragma clang loop unroll(full)
        for (int i = 0; i < CHAINS; ++i) sums[i] = _mm512_fmadd_ps(sums[i], x, y);
    }
    for (int i = 1; i < CHAINS; ++i) sums[0] = _mm512_add_ps(sums[0], sums[i]);
    return (uint64_t)_mm512_reduce_add_ps(sums[0]);
}

const pl_probe_kernels pl_probe_avx512 = {
    .read = read_all,
    .read_codes = read_codes,
    .int8 = int8_dots,
    .float32 = float_products,
    .int8_per_round = CHAINS * 64,
    .float32_per_round = CHAINS * 16,
};
#endif
