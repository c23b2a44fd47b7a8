// Quantised rows of activations, written once over the blocks of an instruction set. The file that includes this defines
//
//     TARGET                                    the function attribute that selects the instruction set
//     QUANTISE, MEASURE                         the names of the functions that are defined here
//     block_largest(x)                          the bits of the largest magnitude of 32 activations
//     FOUR_LARGEST(x, measures)                 if there is one: the largest magnitudes of four blocks
//     block_codes(x, inverse, codes, sum)       x * inverse to the nearest integer, ties to even, and both halves' sums
//     BLOCK_SPLIT                               the name of a faster block_split than the one below, if there is one
//     BLOCK_OUTLIER                             the name of a faster block_outlier than the one below, if there is one
//
// Nothing here may be fused, so that all CPUs round alike: the kernels are compiled with -ffp-contract=off.

#include <string.h>

#include "quant_activations.h"
#include "quant_half.h"

#define INLINE TARGET static inline __attribute__((always_inline))

#ifndef BLOCK_OUTLIER
#define BLOCK_OUTLIER block_outlier
/// The first group of four columns with the magnitude `largest`, and the largest magnitude outside of it.
INLINE int block_outlier(const float *x, float largest, float *rest) {
    enum { GROUPS = PL_ACTIVATION_BLOCK / PL_OUTLIER_COLUMNS };
    float each[GROUPS];
    int group = GROUPS - 1;
    for (int i = 0; i < GROUPS; ++i, x += PL_OUTLIER_COLUMNS) {
        const float a = __builtin_fabsf(x[0]), b = __builtin_fabsf(x[1]);
        const float c = __builtin_fabsf(x[2]), d = __builtin_fabsf(x[3]);
        const float ab = a > b ? a : b, cd = c > d ? c : d;
        each[i] = ab > cd ? ab : cd;
    }
    for (int i = GROUPS - 1; i >= 0; --i) group = each[i] == largest ? i : group;
    each[group] = 0;
    *rest = 0;
    for (int i = 0; i < GROUPS; ++i) *rest = each[i] > *rest ? each[i] : *rest;
    return group;
}
#endif

INLINE float block_scale(uint32_t largest) {
    if (largest < PL_ACTIVATION_TINY) return 0;
    return largest < PL_ACTIVATION_INFINITE ? pl_float_of_bits(largest) / 127.0f : pl_float_of_bits(PL_QUIET_NAN);
}

INLINE void store_scalars(pl_activation_block place, float scale, const int32_t sum[2]) {
    *place.scale = scale;
    *place.total = (float)(sum[0] + sum[1]);
    *place.sum[0] = sum[0];
    *place.sum[1] = sum[1];
}

#ifndef BLOCK_SPLIT
#define BLOCK_SPLIT block_split
/// The nearest integers of x * inverse, ties to even, as PL_OUTLIER_RADIX * high + low with low in -127 ... 127. `sum` is
/// of the low parts of each half; returns that of the high parts.
INLINE int32_t block_split(const float *x, float inverse, int8_t *low, int8_t *high, int32_t sum[2]) {
    int32_t high_sum = 0;
    for (int half = 0; half < 2; ++half) {
        sum[half] = 0;
        for (int i = 16 * half; i < 16 * half + 16; ++i) {
            const int32_t whole = pl_round_to_even(x[i] * inverse), magnitude = whole < 0 ? -whole : whole;
            const int32_t rounded = magnitude + (PL_OUTLIER_RADIX - 1) / 2;
            const int32_t parts = rounded * PL_RADIX_RECIPROCAL >> PL_RADIX_RECIPROCAL_BITS;
            const int32_t signed_parts = whole < 0 ? -parts : parts, rest = whole - PL_OUTLIER_RADIX * signed_parts;
            low[i] = (int8_t)rest;
            high[i] = (int8_t)signed_parts;
            sum[half] += rest;
            high_sum += signed_parts;
        }
    }
    return high_sum;
}
#endif

/// Quantises a block that has an outlier: every value to the nearest multiple of `scale`, of which only those of the
/// outlier's columns have a high part: its codes.
INLINE void quantise_apart(const float *x, float scale, int group, pl_activation_block place, pl_outlier *outlier) {
    int8_t high[PL_ACTIVATION_BLOCK];
    int32_t sum[2];
    const int32_t high_sum = BLOCK_SPLIT(x, 1.0f / scale, place.codes, high, sum);
    store_scalars(place, scale, sum);
    memcpy(outlier->codes, high + PL_OUTLIER_COLUMNS * group, PL_OUTLIER_COLUMNS);
    outlier->sum = high_sum;
    outlier->total = (float)high_sum;
    outlier->scale = PL_OUTLIER_RADIX * scale;
}

/// What has been measured of a block and of its row of `blocks` blocks.
typedef struct block_measures {
    float largest;
    float energy;
    int64_t blocks;
} block_measures;

/// Quantises a block; returns the byte that tells where its outlier is.
INLINE uint8_t quantise_block(const float *x, block_measures m, pl_activation_block place, pl_outlier *outlier) {
    const uint32_t bits = pl_bits_of_float(m.largest);
    const float scale = block_scale(bits);
    int32_t sum[2] = { 0, 0 };
    if (bits < PL_ACTIVATION_TINY || bits >= PL_ACTIVATION_INFINITE) {
        memset(place.codes, 0, PL_ACTIVATION_BLOCK);
        store_scalars(place, scale, sum);
        return 0;
    }
    // Most blocks can be told from their scale alone.
    if (pl_activation_has_outlier(scale, 0, m.energy, m.blocks)) {
        float rest;
        const int group = BLOCK_OUTLIER(x, m.largest, &rest);
        const float least = m.largest / (127.0f * PL_OUTLIER_RADIX + 127.0f);
        const float apart = rest / 127.0f > least ? rest / 127.0f : least;
        if (pl_activation_has_outlier(scale, apart, m.energy, m.blocks)) {
            quantise_apart(x, apart, group, place, outlier);
            return (uint8_t)(1 + group);
        }
    }
    block_codes(x, 127.0f / m.largest, place.codes, sum);
    store_scalars(place, scale, sum);
    return 0;
}

TARGET void MEASURE(const float *x, int64_t cols, float *measures) {
    const int64_t blocks = cols / PL_ACTIVATION_BLOCK;
    int64_t block = 0;
#ifdef FOUR_LARGEST
    for (; block + 4 <= blocks; block += 4) FOUR_LARGEST(x + block * PL_ACTIVATION_BLOCK, measures + block);
#endif
    for (; block < blocks; ++block) measures[block] = pl_float_of_bits(block_largest(x + block * PL_ACTIVATION_BLOCK));
    float energy = 0;
    for (block = 0; block < blocks; ++block) {
        const float scale = block_scale(pl_bits_of_float(measures[block]));
        energy += scale * scale;
    }
    measures[blocks] = energy;
}

TARGET void QUANTISE(
    const float *x, int64_t stride, int64_t cols, int64_t rows, const float *measures, pl_activations_part part,
    void *out) {
    const int64_t blocks = cols / PL_ACTIVATION_BLOCK, stride_of_measures = pl_activations_measures(cols);
    for (int64_t column = part.column_begin; column < part.column_end; column += PL_ACTIVATION_BLOCK) {
        const int64_t block = column / PL_ACTIVATION_BLOCK;
        pl_outlier *outliers = pl_activation_outliers(out, blocks, rows) + block * rows;
        uint8_t *groups = pl_activation_groups(out, blocks, rows) + block * rows;
        for (int64_t row = part.row_begin; row < part.row_end; ++row) {
            const pl_activation_block place = pl_activation_block_at(out, rows, block, row);
            const float *measure = measures + row * stride_of_measures;
            const block_measures m = { measure[block], measure[blocks], blocks };
            groups[row] = quantise_block(x + row * stride + column, m, place, &outliers[row]);
        }
    }
}
