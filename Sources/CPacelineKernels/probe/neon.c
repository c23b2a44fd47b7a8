#if defined(__aarch64__)
#include <arm_neon.h>

#include "probe/kernels.h"

enum { CHAINS = 16 };

static uint64_t read_all(const uint8_t *data, size_t bytes) {
    uint8x16_t sums[4];
    for (int i = 0; i < 4; ++i) sums[i] = vdupq_n_u8(0);
    for (size_t start = 0; start < bytes; start += 64) {
        pl_prefetch_ahead(data + start);
        for (int i = 0; i < 4; ++i) sums[i] = veorq_u8(sums[i], vld1q_u8(data + start + 16 * i));
    }
    const uint8x16_t sum = veorq_u8(veorq_u8(sums[0], sums[1]), veorq_u8(sums[2], sums[3]));
    return vaddvq_u64(vreinterpretq_u64_u8(sum));
}

__attribute__((target("dotprod"))) static uint64_t read_codes(const uint8_t *data, size_t bytes) {
    const uint8x16_t mask = vdupq_n_u8(15), x = vdupq_n_u8(3), y = vdupq_n_u8(5);
    uint32x4_t sums[4];
    for (int i = 0; i < 4; ++i) sums[i] = vdupq_n_u32(0);
    for (size_t start = 0; start < bytes; start += 64) {
        pl_prefetch_ahead(data + start);
        for (int i = 0; i < 4; ++i) {
            const uint8x16_t codes = vld1q_u8(data + start + 16 * i);
            sums[i] = vdotq_u32(sums[i], vandq_u8(codes, mask), x);
            sums[i] = vdotq_u32(sums[i], vshrq_n_u8(codes, 4), y);
        }
    }
    return vaddvq_u32(vaddq_u32(vaddq_u32(sums[0], sums[1]), vaddq_u32(sums[2], sums[3])));
}

__attribute__((target("dotprod"))) static uint64_t int8_dots(uint64_t rounds) {
    int32x4_t sums[CHAINS];
    const int8x16_t x = vdupq_n_s8((int8_t)rounds), y = vdupq_n_s8(3);
    for (int i = 0; i < CHAINS; ++i) sums[i] = vdupq_n_s32(i);
    for (uint64_t round = 0; round < rounds; ++round) {
#pragma clang loop unroll(full)
        for (int i = 0; i < CHAINS; ++i) sums[i] = vdotq_s32(sums[i], x, y);
    }
    for (int i = 1; i < CHAINS; ++i) sums[0] = vaddq_s32(sums[0], sums[i]);
    return (uint64_t)vaddvq_s32(sums[0]);
}

static uint64_t float_products(uint64_t rounds) {
    float32x4_t sums[CHAINS];
    // The instruction adds to its own register: with anything but the sum there each would need a copy.
    const float32x4_t x = vdupq_n_f32(0x1p-24f);
    for (int i = 0; i < CHAINS; ++i) sums[i] = vdupq_n_f32((float)i);
    for (uint64_t round = 0; round < rounds; ++round) {
#pragma clang loop unroll(full)
        for (int i = 0; i < CHAINS; ++i) sums[i] = vfmaq_f32(sums[i], sums[i], x);
    }
    for (int i = 1; i < CHAINS; ++i) sums[0] = vaddq_f32(sums[0], sums[i]);
    return (uint64_t)vaddvq_f32(sums[0]);
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
