#ifndef PACELINE_MATMUL_KERNELS_H
#define PACELINE_MATMUL_KERNELS_H

#include <stdint.h>

#include "paceline/matmul.h"

/// The most activation rows that a kernel takes at once, and how many make two tiles at a time faster than one: more
/// than one tile's sums have room for at once.
enum { PL_ROW_GROUP = 64, PL_PAIR_ROWS = 17 };

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
/// Where a row's block has an outlier (pl_activation_has_outlier), the first form follows with its four columns, and
/// its codes, their sum, and its scale; of two halves, with the weight scale and minimum of the one that the columns
/// are in.
typedef void (*pl_tile_kernel)(
    const uint8_t *tile, int64_t blocks, const void *activations, int64_t count, int64_t row, int64_t rows, float *out);

/// The kernel of a quantised type: NULL for float types and unknown ones.
typedef pl_tile_kernel pl_tile_kernel_chooser(pl_type type);
pl_tile_kernel_chooser pl_tile_kernel_scalar, pl_tile_kernel_avx2, pl_tile_kernel_avx512, pl_tile_kernel_neon;

/// The same for two tiles that lie one after the other; out is (2 x rows x 16) and `rows` a multiple of 4. NULL where
/// there is none.
pl_tile_kernel_chooser pl_pair_kernel_scalar, pl_pair_kernel_avx2, pl_pair_kernel_avx512, pl_pair_kernel_neon;

pl_tile_kernel pl_tile_kernel_of(pl_isa isa, pl_type type);
pl_tile_kernel pl_pair_kernel_of(pl_isa isa, pl_type type);

/// Applies X to every quantised type.
#define PL_QUANTISED_TYPES(X) \
    X(Q4_0) X(Q4_1) X(Q5_0) X(Q5_1) X(Q8_0) X(Q2_K) X(Q3_K) X(Q4_K) X(Q5_K) X(Q6_K) X(IQ4_NL) X(IQ4_XS)

#endif
