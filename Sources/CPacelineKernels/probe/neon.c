#if defined(__aarch64__)
#include "isa/neon.h"

#include "probe/kernels.h"

enum { CHAINS = 16 };

TARGET static uint64_t read_all(const uint8_t *data, size_t bytes) {
    vi sums[4];
    for (int i = 0; i < 4; ++i) sums[i] = vi_set1(0);
    for (size_t start = 0; start < bytes; start += 64) {
        pl_prefetch_ahead(data + start);
        for (int i = 0; i < 4; ++i) sums[i] = vi_xor(sums[i], vi_load(data + start + 16 * i));
    }
    const vi sum = vi_xor(vi_xor(sums[0], sums[1]), vi_xor(sums[2], sums[3]));
    return vaddvq_u64(vreinterpretq_u64_s32(sum));
}

TARGET static uint64_t read_codes(const uint8_t *data, size_t bytes) {
    const vi mask = vi_set1(0x0f0f0f0f), x = vi_set1(0x03030303), y = vi_set1(0x05050505);
    vi sums[4];
    for (int i = 0; i < 4; ++i) sums[i] = vi_set1(0);
    for (size_t start = 0; start < bytes; start += 64) {
        pl_prefetch_ahead(data + start);
        for (int i = 0; i < 4; ++i) {
            const vi codes = vi_load(data + start + 16 * i);
            sums[i] = vi_dot(sums[i], vi_and(codes, mask), x);
            sums[i] = vi_dot(sums[i], vi_of_bytes(vshrq_n_u8(vi_bytes(codes), 4)), y);
        }
    }
    return (uint32_t)vi_sum(vi_add(vi_add(sums[0], sums[1]), vi_add(sums[2], sums[3])));
}

TARGET static uint64_t int8_dots(uint64_t rounds) {
    vi sums[CHAINS];
    const vi x = vi_of_bytes(vdupq_n_u8((uint8_t)rounds)), y = vi_set1(0x03030303);
    for (int i = 0; i < CHAINS; ++i) sums[i] = vi_set1(i);
    for (uint64_t round = 0; round < rounds; ++round) {
#pragma clang loop unroll(full)
        for (int i = 0; i < CHAINS; ++i) sums[i] = vi_dot(sums[i], x, y);
    }
    for (int i = 1; i < CHAINS; ++i) sums[0] = vi_add(sums[0], sums[i]);
    return (uint64_t)vi_sum(sums[0]);
}

TARGET static uint64_t float_products(uint64_t rounds) {
    vf sums[CHAINS];
    // The instruction adds to its own register: with anything but the sum there each would need a copy.
    const vf x = vf_set1(0x1p-24f);
    for (int i = 0; i < CHAINS; ++i) sums[i] = vf_set1((float)i);
    for (uint64_t round = 0; round < rounds; ++round) {
#pragma clang loop unroll(full)
        for (int i = 0; i < CHAINS; ++i) sums[i] = vf_fma(sums[i], x, sums[i]);
    }
    for (int i = 1; i < CHAINS; ++i) sums[0] = vf_add(sums[0], sums[i]);
    return (uint64_t)vf_sum(sums[0]);
}

const pl_probe_kernels pl_probe_neon = {
    .read = read_all,
    .read_codes = read_codes,
    .int8 = int8_dots,
    .float32 = float_products,
    .int8_per_round = CHAINS * 16,
    .float32_per_round = CHAINS * 4,
};
#endif
