#ifndef PACELINE_QUANT_ACTIVATIONS_H
#define PACELINE_QUANT_ACTIVATIONS_H

#include <stddef.h>
#include <stdint.h>

/// Quantised activations, one block of 32 columns of every row after the other; `count` is the padded number of rows:
///
///     int8  codes[count][32]
///     float scale[count]
///     float total[count]     sum of the 32 codes: what a format's minimum is multiplied by
///     int32 sum[2][count]    sums of codes 0 ..< 16 and 16 ..< 32: what a format's offset is multiplied by
///
/// Then the same again for the residuals of hot blocks (see pl_activation_is_hot), and then a byte per block and row
/// that tells whether it is hot.
enum { PL_ACTIVATION_BLOCK = 32, PL_ACTIVATION_BYTES = 48 };

typedef struct pl_activation_block {
    int8_t *codes;
    float *scale;
    float *total;
    int32_t *sum[2];
} pl_activation_block;

/// Rows are padded with zero ones to a number that kernels have code for: 1, 2 or a multiple of 4.
static inline int64_t pl_activation_rows(int64_t rows) {
    return rows <= 2 ? rows : (rows + 3) / 4 * 4;
}

/// Block `block` of `count` rows, seen from row `row` on.
static inline pl_activation_block pl_activation_block_at(const void *data, int64_t count, int64_t block, int64_t row) {
    uint8_t *base = (uint8_t *)data + (size_t)(block * count) * PL_ACTIVATION_BYTES;
    uint8_t *scalars = base + count * PL_ACTIVATION_BLOCK + 4 * row;
    return (pl_activation_block){
        .codes = (int8_t *)base + row * PL_ACTIVATION_BLOCK,
        .scale = (float *)scalars,
        .total = (float *)(scalars + 4 * count),
        .sum = { (int32_t *)(scalars + 8 * count), (int32_t *)(scalars + 12 * count) },
    };
}

/// Where the residuals begin, and where the flags do, in the activations of `count` rows of `blocks` blocks.
static inline const void *pl_activation_residuals(const void *data, int64_t blocks, int64_t count) {
    return (const uint8_t *)data + (size_t)(blocks * count) * PL_ACTIVATION_BYTES;
}

static inline uint8_t *pl_activation_flags(const void *data, int64_t blocks, int64_t count) {
    return (uint8_t *)data + 2 * (size_t)(blocks * count) * PL_ACTIVATION_BYTES;
}

/// `block`, seen `rows` rows further on.
static inline pl_activation_block pl_activation_block_advanced(pl_activation_block block, int64_t rows) {
    return (pl_activation_block){
        .codes = block.codes + rows * PL_ACTIVATION_BLOCK,
        .scale = block.scale + rows,
        .total = block.total + rows,
        .sum = { block.sum[0] + rows, block.sum[1] + rows },
    };
}

/// Whether a block carries so much more than its share of its row's energy that rounding it to 8 bits would dominate
/// the row's error. What rounding leaves of a hot block is quantised once more, to scale / 254, which gives it some 15
/// bits.
///
/// A few channels of a transformer are far larger than the rest (LLM.int8(), arXiv 2208.07339, §3). About one block in
/// seven is hot; that halves the error of the logits for a seventh more arithmetic.
static inline int pl_activation_is_hot(float scale, float energy, int64_t blocks) {
    return scale * scale * (float)blocks > 1.5f * energy;
}

/// Quantises 32 activations. The bits are those of the scalar version:
///
/// * amax = the largest magnitude; scale = amax / 127; code = x * (127 / amax) rounded to nearest, ties to even.
/// * amax < 2^-100, zero included: scale and codes are 0. (127 / amax would overflow.)
/// * any infinity or NaN: codes are 0 and the scale is NaN, so that every output of the row is NaN, none plausible.
typedef void (*pl_activation_quantiser)(const float *x, int8_t *codes, float *scale, int32_t sum[2]);

void pl_activation_quantise_scalar(const float *x, int8_t *codes, float *scale, int32_t sum[2]);
void pl_activation_quantise_avx2(const float *x, int8_t *codes, float *scale, int32_t sum[2]);
void pl_activation_quantise_avx512(const float *x, int8_t *codes, float *scale, int32_t sum[2]);
void pl_activation_quantise_neon(const float *x, int8_t *codes, float *scale, int32_t sum[2]);

/// Bits of 2^-100 and of infinity, for comparing magnitudes as integers.
enum { PL_ACTIVATION_TINY = 0x0d800000, PL_ACTIVATION_INFINITE = 0x7f800000, PL_QUIET_NAN = 0x7fc00000 };

#endif
