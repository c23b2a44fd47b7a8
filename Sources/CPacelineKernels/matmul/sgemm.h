#ifndef PACELINE_MATMUL_SGEMM_H
#define PACELINE_MATMUL_SGEMM_H

#include <stdint.h>

#include "paceline/matmul.h"

/// Tiles that make one panel of a matrix of float32 weights. Depends on the matrix alone, because bits may depend on
/// it.
int64_t pl_matmul_float_tiles(const pl_matrix *matrix);

/// Computes tiles begin ..< end, one panel, of a product with float32 weights through sgemm. Aborts if there is no
/// memory.
void pl_matmul_float(
    const pl_product *product, int64_t begin, int64_t end, const float *x, int64_t x_stride, int64_t count);

/// The heights (numbers of activation rows in one sgemm call) that give a row of a product the same bits at any place.
typedef struct pl_heights {
    int count;
    int64_t height[10];  ///< ascending
} pl_heights;

/// The heights to use for panels of `panel` weight rows and `cols` columns.
///
/// OpenBLAS has kernels that depend on a row's place in the matrix and on the shape of the whole. So this function
/// tests it, once per shape. It multiplies one row at every place of calls of several heights, and keeps the heights
/// that agree in every bit.
pl_heights pl_matmul_float_heights(int64_t panel, int64_t cols);

/// out (panel x height) = weights (panel x cols) . transpose(x (height x cols, row stride x_stride)).
void pl_matmul_float_call(
    int64_t panel, int64_t cols, const float *weights, int64_t height, const float *x, int64_t x_stride, float *out);

#endif
