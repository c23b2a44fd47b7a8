#ifndef PACELINE_ISA_PLAIN_H
#define PACELINE_ISA_PLAIN_H

#include <stdint.h>
#include <string.h>

// Plain C that kernels of every instruction set share.

#define PL_INLINE static inline __attribute__((always_inline))

/// Added to a float of magnitude below 2^22, this rounds it to the nearest integer, ties to even. The low bits of the
/// sum hold that integer.
#define PL_ROUNDER 0x1.8p23f

/// Bits of PL_ROUNDER, of infinity and of the NaN that kernels make. As integers, magnitudes of NaN are above infinity.
enum { PL_ROUNDER_BITS = 0x4b400000, PL_INFINITE_BITS = 0x7f800000, PL_NAN_BITS = 0x7fc00000 };

PL_INLINE uint32_t pl_bits(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

PL_INLINE float pl_from_bits(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/// The bits of the magnitude. They order as magnitudes do.
PL_INLINE uint32_t pl_magnitude_bits(float x) { return pl_bits(x) & 0x7fffffff; }

/// The nearest integer, ties to even, of |x| < 2^22.
PL_INLINE int32_t pl_round_to_even(float x) { return (int32_t)((x + PL_ROUNDER) - PL_ROUNDER); }

/// Bits of the largest magnitude of `count` floats. NaN counts as the largest.
PL_INLINE uint32_t pl_largest_magnitude_bits(const float *x, int64_t count) {
    uint32_t largest = 0;
    for (int64_t i = 0; i < count; ++i) {
        const uint32_t magnitude = pl_magnitude_bits(x[i]);
        largest = magnitude > largest ? magnitude : largest;
    }
    return largest;
}

PL_INLINE int64_t pl_smaller(int64_t a, int64_t b) { return a < b ? a : b; }
PL_INLINE int64_t pl_larger(int64_t a, int64_t b) { return a > b ? a : b; }

/// How many groups of `size` hold `count` things.
PL_INLINE int64_t pl_groups(int64_t count, int64_t size) { return (count + size - 1) / size; }

#endif
