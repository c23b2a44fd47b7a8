#ifndef PACELINE_QUANT_ACTIVATIONS_H
#define PACELINE_QUANT_ACTIVATIONS_H

#include <stddef.h>
#include <stdint.h>

#include "paceline/matmul.h"

/// Quantised activations, one block of 32 columns of every row after the other; `count` is the padded number of rows:
///
///     int8  codes[count][32]
///     float scale[count]
///     float total[count]     sum of the 32 codes: what a format's minimum is multiplied by
///     int32 sum[2][count]    sums of codes 0 ..< 16 and 16 ..< 32: what a format's offset is multiplied by
///
/// Then an outlier per block and row. Then a byte per block and row: 0 without an outlier, else 1 + the outlier's group
/// of four columns.
enum { PL_ACTIVATION_BLOCK = 32, PL_ACTIVATION_BYTES = 48, PL_OUTLIER_COLUMNS = 4 };

/// The high part of the activations of four columns (4g ..< 4g + 4 of a block) that are too large for the scale of the
/// others. A column's value is scale * code of the block + scale * code of the outlier.
typedef struct pl_outlier {
    int8_t codes[PL_OUTLIER_COLUMNS];
    int32_t sum;  ///< of the codes
    float total;  ///< the same
    float scale;  ///< PL_OUTLIER_RADIX times that of the block
} pl_outlier;

_Static_assert(sizeof(pl_outlier) == 16, "outliers lie one after the other");

/// The scale of an outlier over that of its block, so that the codes of both are -127 ... 127.
enum { PL_OUTLIER_RADIX = 254 };

/// 1 / PL_OUTLIER_RADIX times 2^PL_RADIX_RECIPROCAL_BITS, rounded up, as vectors have no division of integers:
/// n * this >> bits is n / RADIX, rounded down, for n below 2^15.
enum {
    PL_RADIX_RECIPROCAL_BITS = 23,
    PL_RADIX_RECIPROCAL = (1 << PL_RADIX_RECIPROCAL_BITS) / PL_OUTLIER_RADIX + 1,
};

typedef struct pl_activation_block {
    int8_t *codes;
    float *scale;
    float *total;
    int32_t *sum[2];
} pl_activation_block;

/// Rows are padded with zero ones to a number that kernels have code for: 1, 2 or a multiple of 4.
static inline int64_t pl_activation_rows(int64_t rows) { return rows <= 2 ? rows : (rows + 3) / 4 * 4; }

/// Block `block` of `count` rows, seen from row `row` on.
static inline pl_activation_block pl_activation_block_at(const void *data, int64_t count, int64_t block, int64_t row) {
    uint8_t *base = (uint8_t *)data + (size_t)(block * count) * PL_ACTIVATION_BYTES;
    uint8_t *scalars = base + count * PL_ACTIVATION_BLOCK + 4 * row;
    return (pl_activation_block){
        .codes = (int8_t *)base + row * PL_ACTIVATION_BLOCK,
        .scale = (float *)scalars,
        .total = (float *)(scalars + 4 * count),
        .sum = {(int32_t *)(scalars + 8 * count), (int32_t *)(scalars + 12 * count)},
    };
}

/// Where the outliers begin, and where their groups do, in the activations of `count` rows of `blocks` blocks. That of
/// row `r` and block `b` is at [b * count + r].
static inline pl_outlier *pl_activation_outliers(const void *data, int64_t blocks, int64_t count) {
    return (pl_outlier *)((uint8_t *)data + (size_t)(blocks * count) * PL_ACTIVATION_BYTES);
}

static inline uint8_t *pl_activation_groups(const void *data, int64_t blocks, int64_t count) {
    return (uint8_t *)(pl_activation_outliers(data, blocks, count) + blocks * count);
}

/// Whether a block should keep the group with its largest activation apart. It should if that removes more than half of
/// a block's share of the row's error. `all` is the block's scale with the group, `rest` without it. `energy`, the sum
/// of the squares of all blocks' scales, measures the error.
///
/// A few channels of a transformer are far larger than the rest (LLM.int8(), arXiv 2208.07339, §3), and each coarsens
/// the codes of those beside it. By this rule about a quarter of the blocks have an outlier. That cuts the error of a
/// product by a third, for a twelfth more arithmetic. In rows with values beyond some 10^21 or all below 10^-21,
/// squares are infinite or zero, and no block has one.
static inline int pl_activation_has_outlier(float all, float rest, float energy, int64_t blocks) {
    return (all * all - rest * rest) * (float)blocks > 0.5f * energy;
}

/// Quantises a part of the `rows` rows, padding included, that `out` holds. The bits are those of the scalar version:
///
/// * amax = the largest magnitude of a block; scale = amax / 127; code = x * (127 / amax) rounded to nearest, ties to
///   even.
/// * with an outlier (pl_activation_has_outlier): scale = rest / 127, but at least amax / (127 * PL_OUTLIER_RADIX +
///   127). rest is the largest magnitude outside the first group of four that contains amax. x * (1 / scale), rounded
///   likewise, is the code + PL_OUTLIER_RADIX * the outlier's code.
/// * amax < 2^-100, zero included: scale and codes are 0. (127 / amax would overflow.)
/// * any infinity or NaN: codes are 0 and the scale is NaN, so that every output of the row is NaN.
typedef void pl_activation_quantiser(
    const float *x, int64_t stride, int64_t cols, int64_t rows, const float *measures, pl_activations_part part,
    void *out);

/// Writes the largest magnitude of every block, and then the row's energy. The energy sums, block by block, the squares
/// of the scales that the blocks would have without outliers.
typedef void pl_activation_measurer(const float *x, int64_t cols, float *measures);

pl_activation_quantiser pl_activations_quantise_scalar, pl_activations_quantise_avx2, pl_activations_quantise_avx512,
    pl_activations_quantise_neon;
pl_activation_measurer pl_activations_measure_scalar, pl_activations_measure_avx2, pl_activations_measure_avx512,
    pl_activations_measure_neon;

/// Bits of 2^-100, for comparing magnitudes as integers.
enum { PL_ACTIVATION_TINY = 0x0d800000 };

#endif
