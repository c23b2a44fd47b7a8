#ifndef PACELINE_MATMUL_FLOAT_H
#define PACELINE_MATMUL_FLOAT_H

#include <stdint.h>

#include "paceline/matmul.h"

/// Tiles that make one panel of a matrix of float weights: about what the second-level cache holds as float32.
int64_t pl_matmul_float_tiles(const pl_matrix *matrix);

/// Computes tiles begin ..< end of one product with float weights, through sgemm. Aborts if there is no memory for a panel.
void pl_matmul_float(
    const pl_product *product, int64_t begin, int64_t end, const float *x, int64_t x_stride, int64_t count);

#endif
