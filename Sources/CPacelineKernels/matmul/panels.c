#include "matmul/panels.h"

#include <stdlib.h>
#include <string.h>

#include "isa/dispatch.h"
#include "isa/plain.h"
#include "matmul/panel_kernels.h"
#include "memory/scratch.h"
#include "paceline/elementwise.h"
#include "quant/layout.h"
#include "tuning.h"

/// Where the columns from `column` on begin in the panel of tile `tile`, and how many output rows are side by side.
static const uint8_t *panel_at(const pl_matrix *matrix, int64_t tile, int64_t column, int64_t *width) {
    const int64_t tiles = pl_groups(matrix->rows, PL_TILE_ROWS), size = pl_layouts[matrix->type].block_bytes;
    *width = tile + 1 < tiles ? PL_FLOAT_PANEL : PL_TILE_ROWS;
    return (const uint8_t *)matrix->data + (size_t)((tile * PL_TILE_ROWS * matrix->cols + column * *width) * size);
}

static void widen(pl_isa isa, pl_type type, const uint8_t *weights, int64_t count, float *out) {
    if (type == PL_TYPE_F16) {
        pl_from_half(isa, (const uint16_t *)weights, out, count);
    } else {
        pl_dequantise(type, weights, (size_t)count, out);
    }
}

static void store_panel(
    const pl_product *product, int64_t tile, int64_t width, int64_t row, int64_t rows, const float *out) {
    const int64_t first = tile * PL_TILE_ROWS, lanes = pl_smaller(product->matrix->rows - first, width);
    float *y = product->y + row * product->y_stride + first;
    for (int64_t i = 0; i < rows; ++i, y += product->y_stride, out += PL_FLOAT_PANEL) {
        memcpy(y, out, (size_t)lanes * sizeof(float));
    }
}

void pl_matmul_panels(
    pl_isa isa, const pl_product *product, int64_t begin, int64_t end, const float *x, int64_t x_stride, int64_t row,
    int64_t rows) {
    const pl_matrix *matrix = product->matrix;
    pl_float_kernel *const kernel = PL_VARIANT(isa, pl_float_block);
    const size_t sums = (size_t)(rows * PL_FLOAT_PANEL), weights = PL_FLOAT_BLOCK * PL_FLOAT_PANEL;
    float *out = pl_scratch((sums + weights) * sizeof(float));
    if (!out) abort();
    for (int64_t tile = begin; tile < end; tile += PL_FLOAT_PANEL / PL_TILE_ROWS) {
        int64_t width = 0;
        memset(out, 0, sums * sizeof(float));
        for (int64_t column = 0; column < matrix->cols; column += PL_FLOAT_BLOCK) {
            const int64_t cols = pl_smaller(matrix->cols - column, PL_FLOAT_BLOCK);
            const uint8_t *block = panel_at(matrix, tile, column, &width);
            const int64_t piece = width * pl_layouts[matrix->type].block_bytes;
            widen(isa, matrix->type, block, cols * width, out + sums);
            const float *first = x + row * x_stride + column;
            kernel(out + sums, width, cols, first, x_stride, rows, block + PL_PANEL_FETCH_BYTES, piece, out);
        }
        store_panel(product, tile, width, row, rows, out);
    }
}

void pl_pack_panel_tile(const pl_matrix *matrix, const uint8_t *from, int64_t tile) {
    const int64_t rows = pl_smaller(matrix->rows - tile * PL_TILE_ROWS, PL_TILE_ROWS), cols = matrix->cols;
    int64_t width;
    uint16_t *to = (uint16_t *)panel_at(matrix, tile & ~(int64_t)1, 0, &width) + (tile & 1 ? PL_TILE_ROWS : 0);
    for (int64_t c = 0; c < cols; ++c, to += width) {
        for (int64_t r = 0; r < rows; ++r) memcpy(to + r, from + (size_t)(r * cols + c) * sizeof *to, sizeof *to);
        for (int64_t r = rows; r < PL_TILE_ROWS; ++r) to[r] = 0;
    }
}
