#if defined(__x86_64__)
#include "isa/avx2.h"

#include "probe/kernels.h"

enum { INT8_CHAINS = 8, FLOAT_CHAINS = 12 };

TARGET static uint64_t read_codes(const uint8_t *data, size_t bytes) {
    const vi mask = vi_set1(0x0f0f0f0f), x = vi_set1(0x03030303), y = vi_set1(0x05050505);
    const vi ones = _mm256_set1_epi16(1);
    vi sums[2] = {vi_set1(0), vi_set1(0)};
    for (size_t i = 0; i < bytes; i += 64) {
        pl_prefetch_ahead(data + i);
        for (size_t half = 0; half < 2; ++half) {
            const vi codes = vi_load(data + i + 32 * half);
            const vi low = _mm256_maddubs_epi16(vi_and(codes, mask), x);
            const vi high = _mm256_maddubs_epi16(vi_and(vi_shift_right(codes, 4), mask), y);
            sums[half] = vi_add(sums[half], vi_multiply_pairs(_mm256_add_epi16(low, high), ones));
        }
    }
    return (uint32_t)vi_sum(vi_add(sums[0], sums[1]));
}

TARGET static uint64_t int8_dots(uint64_t rounds) {
    vi sums[INT8_CHAINS], x = _mm256_set1_epi16((short)rounds), y = _mm256_set1_epi16(3);
    for (int i = 0; i < INT8_CHAINS; ++i) sums[i] = vi_set1(i);
    for (uint64_t round = 0; round < rounds; ++round) {
#pragma clang loop unroll(full)
        for (int i = 0; i < INT8_CHAINS; ++i) {
            sums[i] = vi_add(sums[i], vi_multiply_pairs(_mm256_add_epi16(x, sums[i]), y));
        }
    }
    for (int i = 1; i < INT8_CHAINS; ++i) sums[0] = vi_add(sums[0], sums[i]);
    return (uint64_t)_mm256_extract_epi32(sums[0], 0);
}

TARGET static uint64_t float_products(uint64_t rounds) {
    vf sums[FLOAT_CHAINS], x = vf_set1(0.5f), y = vf_set1(1.0f);
    for (int i = 0; i < FLOAT_CHAINS; ++i) sums[i] = vf_set1((float)i);
    for (uint64_t round = 0; round < rounds; ++round) {
#pragma clang loop unroll(full)
        for (int i = 0; i < FLOAT_CHAINS; ++i) sums[i] = vf_fma(sums[i], x, y);
    }
    for (int i = 1; i < FLOAT_CHAINS; ++i) sums[0] = vf_add(sums[0], sums[i]);
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
