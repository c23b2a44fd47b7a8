#ifndef PACELINE_MATMUL_KERNELS_H
#define PACELINE_MATMUL_KERNELS_H

#include <stdint.h>

#include "paceline/matmul.h"
#include "quant/layout.h"

/// The most activation rows that a kernel takes at once: a bit for each fits into a word.
enum { PL_ROW_GROUP = 64 };

/// Multiplies one tile by rows `row` ..< `row + rows` (<= PL_ROW_GROUP) of the `count` quantised activation rows,
/// padding included; `rows` is 1, 2 or a multiple of 4.
///
/// out is (rows x 16). Each lane is one chain over the blocks of 32 columns in order; for each block
///
///     dot = exact integer sum of (code - offset) * activation code
///     block = dot * weight scale
///     block = fma(weight minimum, sum of the activation codes, block)      formats with minimums
///     out = fma(block, activation scale, out)
///
/// and where 16 weights share a scale, dot, scale and minimum exist per 16:
///
///     block = fma(dot1, scale1, dot0 * scale0), then fma(minimum0, sum0, block), then fma(minimum1, sum1, block)
///
/// Where a row's block has an outlier (pl_activation_has_outlier), the first form follows for its four columns, with
/// its codes, their sum and its scale. Where 16 weights share a scale, it has the scale and minimum of the half with
/// those columns.
typedef void (*pl_tile_kernel)(
    const uint8_t *tile, int64_t blocks, const void *activations, int64_t count, int64_t row, int64_t rows, float *out);

/// The kernels of a type. Both are NULL for types that are not quantised.
typedef struct pl_tile_kernels {
    pl_tile_kernel one;
    /// The same for two tiles that lie one after the other: out is (2 x rows x 16), and `rows` a multiple of 4. NULL
    /// where there is none.
    pl_tile_kernel pair;
} pl_tile_kernels;

/// By type.
extern const pl_tile_kernels pl_tile_kernels_scalar[], pl_tile_kernels_avx2[], pl_tile_kernels_avx512[],
    pl_tile_kernels_neon[];

pl_tile_kernels pl_tile_kernels_of(pl_isa isa, pl_type type);

#endif
