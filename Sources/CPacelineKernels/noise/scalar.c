#include "elementwise/math_scalar.h"
#include "noise/constants.h"
#include "noise/kernels.h"
#include "paceline/noise.h"

// The scalar twin of the noise: it defines the bits.

void pl_philox4x32_10(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3], k0 = key[0], k1 = key[1];
    for (int round = 0; round < PL_PHILOX_ROUNDS; ++round) {
        uint64_t p0 = (uint64_t)PL_PHILOX_M0 * c0, p1 = (uint64_t)PL_PHILOX_M1 * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)p1;
        c3 = (uint32_t)p0;
        k0 += PL_PHILOX_W0;
        k1 += PL_PHILOX_W1;
    }
    out[0] = c0, out[1] = c1, out[2] = c2, out[3] = c3;
}

/// Words 4 block ... 4 block + 3 of the stream of (seed, position).
static void noise_block(uint64_t seed, uint64_t position, uint32_t block, uint32_t out[4]) {
    const uint32_t counter[4] = {(uint32_t)position, (uint32_t)(position >> 32), block, 0};
    const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    pl_philox4x32_10(counter, key, out);
}

/// The upper 31 bits over 2^31, kept off both ends.
///
/// Rounding to float32 keeps 24 significant bits however small the value. So the exponential -log(1 - u) of a token
/// that wins with probability one in a million still has all 24. A fixed grid of 2^-24 would lose most of them.
static inline float uniform(uint32_t bits) {
    float u = (float)(int32_t)(bits >> 1) * 0x1p-31f;
    u = PL_UNIFORM_SMALLEST > u ? PL_UNIFORM_SMALLEST : u;
    return PL_UNIFORM_LARGEST < u ? PL_UNIFORM_LARGEST : u;
}

/// -log(-log(1 - u)). Where 1 - u is in the binade of 1, the inner logarithm uses -u itself, which 1 - u would round.
static inline float gumbel(uint32_t noise) {
    float u = uniform(noise);
    uint32_t bits = pl_bits(1 - u);
    int32_t n = (int32_t)(bits - PL_LOG_SPLIT) >> 23;
    float f = n == 0 ? -u : pl_from_bits(bits - ((uint32_t)n << 23)) - 1;
    return -pl_log_scalar(-pl_log_sum((float)n, f));
}

uint32_t pl_noise_bits(uint64_t seed, uint64_t position, uint32_t index) {
    uint32_t words[4];
    noise_block(seed, position, index / 4, words);
    return words[index % 4];
}

float pl_noise_uniform(uint64_t seed, uint64_t position, uint32_t index) {
    return uniform(pl_noise_bits(seed, position, index));
}

float pl_noise_gumbel(uint64_t seed, uint64_t position, uint32_t index) {
    return gumbel(pl_noise_bits(seed, position, index));
}

void pl_noise_perturb_scalar(uint64_t seed, uint64_t position, const float *x, float *out, int64_t count) {
    for (int64_t i = 0; i < count; i += 4) {
        uint32_t words[4];
        noise_block(seed, position, (uint32_t)(i / 4), words);
        for (int64_t j = i; j < i + 4 && j < count; ++j) out[j] = x[j] + gumbel(words[j - i]);
    }
}
