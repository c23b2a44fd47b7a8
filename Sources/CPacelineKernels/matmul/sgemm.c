#include "matmul/sgemm.h"

#include <stdlib.h>
#include <string.h>

#include "isa/plain.h"
#include "memory/scratch.h"
#include "quant/layout.h"

/// A panel is small enough for the threads to share the work. It is large enough for sgemm to be fast, although each
/// call copies both operands. Bits depend on these numbers. On a Xeon of 2023, panels of up to 512 outputs by up to 512
/// rows raised prefill from 65-86 % of sgemm's peak to 82-100 %. This holds for matrices of 2048 x 2048 and larger.
enum { PANEL_BYTES = 8 << 20, LEAST_TILES = 4, MOST_TILES = 32, PANELS = 8 };

int64_t pl_matmul_float_tiles(const pl_matrix *matrix) {
    const int64_t share = pl_groups(matrix->rows, PL_TILE_ROWS) / PANELS;
    const int64_t fitting = PANEL_BYTES / (PL_TILE_ROWS * matrix->cols * (int64_t)sizeof(float));
    return pl_larger(1, pl_smaller(fitting, pl_larger(LEAST_TILES, pl_smaller(MOST_TILES, share))));
}

/// The height for the next rows: the least that holds them all, else the greatest.
static int64_t height_for(const pl_heights *heights, int64_t rows) {
    for (int i = 0; i < heights->count; ++i) {
        if (heights->height[i] >= rows) return heights->height[i];
    }
    return heights->height[heights->count - 1];
}

/// Leaves `x` as it is if it has `height` rows. Otherwise copies it, with zero rows at the end.
static void padded(const float **x, int64_t *stride, int64_t rows, int64_t height, int64_t cols, float *scratch) {
    if (rows == height) return;
    for (int64_t i = 0; i < rows; ++i) memcpy(scratch + i * cols, *x + i * *stride, (size_t)cols * sizeof(float));
    memset(scratch + rows * cols, 0, (size_t)((height - rows) * cols) * sizeof(float));
    *x = scratch;
    *stride = cols;
}

/// y (rows x width) = transpose(out (width x height)), in squares that stay in the first-level cache.
static void store_transposed(
    const float *out, int64_t height, int64_t rows, int64_t width, float *y, int64_t y_stride) {
    enum { SIDE = 16 };
    for (int64_t c = 0; c < width; c += SIDE) {
        const int64_t end = pl_smaller(c + SIDE, width);
        for (int64_t i = 0; i < rows; ++i) {
            for (int64_t j = c; j < end; ++j) y[i * y_stride + j] = out[j * height + i];
        }
    }
}

void pl_matmul_float(
    const pl_product *product, int64_t begin, int64_t end, const float *x, int64_t x_stride, int64_t count) {
    const pl_matrix *matrix = product->matrix;
    const int64_t cols = matrix->cols, panel = (end - begin) * PL_TILE_ROWS;
    const pl_heights heights = pl_matmul_float_heights(panel, cols);
    const int64_t tallest = height_for(&heights, count);
    float *rows_in = pl_scratch((size_t)(tallest * cols + tallest * panel) * sizeof(float));
    if (!rows_in) abort();
    float *out = rows_in + tallest * cols;
    const float *weights = (const float *)matrix->data + begin * PL_TILE_ROWS * cols;
    const int64_t width = pl_smaller(matrix->rows - begin * PL_TILE_ROWS, panel);
    for (int64_t row = 0; row < count;) {
        const int64_t height = height_for(&heights, count - row), some = pl_smaller(count - row, height);
        const float *rows = x + row * x_stride;
        int64_t stride = x_stride;
        padded(&rows, &stride, some, height, cols, rows_in);
        pl_matmul_float_call(panel, cols, weights, height, rows, stride, out);
        float *y = product->y + row * product->y_stride + begin * PL_TILE_ROWS;
        store_transposed(out, height, some, width, y, product->y_stride);
        row += some;
    }
}
