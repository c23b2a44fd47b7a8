// Gumbel noise over sixteen lanes. Included once per instruction set, after its lanes_*.h header.
//
// A lane computes one Philox block, four consecutive tokens, so that sixteen lanes make 64 of them.

#include <string.h>

#include "math_body.h"
#include "noise_constants.h"
#include "noise_kernels.h"

enum { BLOCK = 64 };

/// The Philox blocks `first` ... `first` + 15 of (seed, position): words[w] has word w of each.
PL_INLINE void philox(uint64_t seed, uint64_t position, uint32_t first, vi words[4]) {
    static const int32_t iota[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    vi c0 = vi_set1((int32_t)position), c1 = vi_set1((int32_t)(position >> 32));
    vi c2 = vi_add(vi_set1((int32_t)first), vi_load(iota)), c3 = vi_set1(0);
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
    for (int round = 0; round < PL_PHILOX_ROUNDS; round++) {
        vi high0, low0, high1, low1;
        vi_multiply_wide(c0, vi_set1((int32_t)PL_PHILOX_M0), &high0, &low0);
        vi_multiply_wide(c2, vi_set1((int32_t)PL_PHILOX_M1), &high1, &low1);
        c0 = vi_xor(vi_xor(high1, c1), vi_set1((int32_t)k0));
        c2 = vi_xor(vi_xor(high0, c3), vi_set1((int32_t)k1));
        c1 = low1;
        c3 = low0;
        k0 += PL_PHILOX_W0;
        k1 += PL_PHILOX_W1;
    }
    words[0] = c0, words[1] = c1, words[2] = c2, words[3] = c3;
}

PL_INLINE vf gumbel(vi noise) {
    vf u = vf_mul(vi_to_float(vi_shift_right(noise, 1)), vf_set1(0x1p-31f));
    u = vf_min(vf_set1(PL_UNIFORM_LARGEST), vf_max(vf_set1(PL_UNIFORM_SMALLEST), u));
    vi bits = vf_bits(vf_sub(vf_set1(1), u));
    vi n = vi_shift_arithmetic(vi_sub(bits, vi_set1(PL_LOG_SPLIT)), 23);
    vf f = vf_sub(vi_as_float(vi_sub(bits, vi_shift_left(n, 23))), vf_set1(1));
    vi sign = vi_set1(INT32_MIN);
    f = vf_select(vi_equal(n, vi_set1(0)), vi_as_float(vi_xor(vf_bits(u), sign)), f);
    vf exponential = vi_as_float(vi_xor(vf_bits(vf_log_sum(vi_to_float(n), f)), sign));
    return vi_as_float(vi_xor(vf_bits(vf_log(exponential)), sign));
}

/// The Gumbel noise of tokens 4 first ... 4 first + 63.
PL_INLINE void gumbel_block(uint64_t seed, uint64_t position, uint32_t first, float out[BLOCK]) {
    vi words[4];
    philox(seed, position, first, words);
    // Token 4b + w is in lane b of word w: interleaving 0 with 2 and 1 with 3, then the results, puts them in order.
    vf noise[4];
    for (int w = 0; w < 4; w++) noise[w] = gumbel(words[w]);
    float even[32], odd[32];
    vf_store_pairs(even, noise[0], noise[2]);
    vf_store_pairs(odd, noise[1], noise[3]);
    vf_store_pairs(out, vf_load(even), vf_load(odd));
    vf_store_pairs(out + 32, vf_load(even + 16), vf_load(odd + 16));
}

PL_LANES_TARGET void PL_LANES(pl_noise_perturb)(
    uint64_t seed, uint64_t position, const float *x, float *out, int64_t count) {
    float noise[BLOCK];
    int64_t i = 0;
    for (; i + BLOCK <= count; i += BLOCK) {
        gumbel_block(seed, position, (uint32_t)(i / 4), noise);
        for (int j = 0; j < BLOCK; j += 16) vf_store(out + i + j, vf_add(vf_load(x + i + j), vf_load(noise + j)));
    }
    if (i == count) return;
    gumbel_block(seed, position, (uint32_t)(i / 4), noise);
    for (int64_t j = i; j < count; j++) out[j] = x[j] + noise[j - i];
}
