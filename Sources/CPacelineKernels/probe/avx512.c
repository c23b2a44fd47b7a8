#if defined(__x86_64__)
#include "isa/avx512.h"

#include "probe/kernels.h"

enum { CHAINS = 16 };

TARGET static uint64_t read_all(const uint8_t *data, size_t bytes) {
    vi a = vi_set1(0), b = a;
    size_t i = 0;
    for (; i + 128 <= bytes; i += 128) {
        pl_prefetch_ahead(data + i);
        pl_prefetch_ahead(data + i + 64);
        a = vi_xor(a, vi_load(data + i));
        b = vi_xor(b, vi_load(data + i + 64));
    }
    for (; i < bytes; i += 64) a = vi_xor(a, vi_load(data + i));
    return (uint64_t)_mm512_reduce_add_epi64(vi_xor(a, b));
}

TARGET static uint64_t read_codes(const uint8_t *data, size_t bytes) {
    const vi mask = vi_set1(0x0f0f0f0f), x = vi_set1(0x03030303), y = vi_set1(0x05050505);
    vi a = vi_set1(0), b = a;
    for (size_t i = 0; i < bytes; i += 64) {
        pl_prefetch_ahead(data + i);
        const vi codes = vi_load(data + i);
        const vi low = vi_and(codes, mask), high = vi_and(vi_shift_right(codes, 4), mask);
        a = vi_dot(a, low, x);
        b = vi_dot(b, high, y);
    }
    return (uint32_t)vi_sum(vi_add(a, b));
}

TARGET static uint64_t int8_dots(uint64_t rounds) {
    vi sums[CHAINS], x = vi_set1((int)rounds), y = vi_set1(0x03030303);
    for (int i = 0; i < CHAINS; ++i) sums[i] = vi_set1(i);
    for (uint64_t round = 0; round < rounds; ++round) {
#pragma clang loop unroll(full)
        for (int i = 0; i < CHAINS; ++i) sums[i] = vi_dot(sums[i], x, y);
    }
    for (int i = 1; i < CHAINS; ++i) sums[0] = vi_add(sums[0], sums[i]);
    return (uint64_t)vi_sum(sums[0]);
}

TARGET static uint64_t float_products(uint64_t rounds) {
    vf sums[CHAINS], x = vf_set1(0.5f), y = vf_set1(1.0f);
    for (int i = 0; i < CHAINS; ++i) sums[i] = vf_set1((float)i);
    for (uint64_t round = 0; round < rounds; ++round) {
#pragma clang loop unroll(full)
        for (int i = 0; i < CHAINS; ++i) sums[i] = vf_fma(sums[i], x, y);
    }
    for (int i = 1; i < CHAINS; ++i) sums[0] = vf_add(sums[0], sums[i]);
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
