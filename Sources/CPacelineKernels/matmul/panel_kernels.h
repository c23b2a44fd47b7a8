#ifndef PACELINE_MATMUL_PANEL_KERNELS_H
#define PACELINE_MATMUL_PANEL_KERNELS_H

#include <stdint.h>

/// Columns that are summed before they are added to the total of an output, and output rows of a panel.
enum { PL_FLOAT_BLOCK = 256, PL_FLOAT_PANEL = 32 };

/// Adds one block of columns (cols <= PL_FLOAT_BLOCK) to the outputs of `rows` activation rows.
///
/// weights is (cols x width), with width 16 or 32 output rows side by side. x is (rows x cols, row stride `x_stride`);
/// out is (rows x PL_FLOAT_PANEL). For each output, one chain over the columns in order:
///
///     sum = 0, then sum = fma(weight, x, sum);   out = out + sum
///
/// On the way it fetches `cols` pieces of `piece` bytes (a cache line or two) from `ahead` on, which are needed next.
/// Fetched all at once they would stall.
typedef void pl_float_kernel(
    const float *weights, int64_t width, int64_t cols, const float *x, int64_t x_stride, int64_t rows,
    const uint8_t *ahead, int64_t piece, float *out);

pl_float_kernel pl_float_block_scalar, pl_float_block_avx2, pl_float_block_avx512, pl_float_block_neon;

#endif
