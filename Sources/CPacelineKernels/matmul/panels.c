#include "matmul/panels.h"

#include <stdlib.h>
#include <string.h>

#include "isa/dispatch.h"
#include "matmul/panel_kernels.h"
#include "paceline/elementwise.h"
#include "quant/layout.h"
#include "memory/scratch.h"

/// Where the columns from `column` on begin in the panel of tile `tile`, and how many output rows are side by side.
static const uint8_t *panel_at(const pl_matrix *matrix, int64_t tile, int64_t column, int64_t *width) {
    const int64_t tiles = (matrix->rows + PL_TILE_ROWS - 1) / PL_TILE_ROWS, size = pl_layouts[matrix->type].block_bytes;
    *width = tile + 1 < tiles ? PL_FLOAT_PANEL : PL_TILE_ROWS;
    return (const uint8_t *)matrix->data + (size_t)((tile * PL_TILE_ROWS * matrix->cols + column * *width) * size);
}

/// Weights as float32: where they lie if they are that already, else widened into `scratch`.
static const float *widened(pl_isa isa, pl_type type, const uint8_t *weights, int64_t count, float *scratch) {
    if (type == PL_TYPE_F32) return (const float *)weights;
    if (type == PL_TYPE_F16) {
        pl_from_half(isa, (const uint16_t *)weights, scratch, count);
    } else {
        pl_dequantise(type, weights, (size_t)count, scratch);
    }
    return scratch;
}

/// How far ahead of its reading a panel is fetched. Panels lie one after the other, so this runs into the next one.
enum { FETCH_BYTES = 16384 };

static void store_panel(
    const pl_product *product, int64_t tile, int64_t width, int64_t row, int64_t rows, const float *out) {
    const int64_t first = tile * PL_TILE_ROWS, left = product->matrix->rows - first;
    float *y = product->y + row * product->y_stride + first;
    for (int64_t i = 0; i < rows; ++i, y += product->y_stride, out += PL_FLOAT_PANEL) {
        memcpy(y, out, (size_t)(left < width ? left : width) * sizeof(float));
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
            const int64_t left = matrix->cols - column, cols = left < PL_FLOAT_BLOCK ? left : PL_FLOAT_BLOCK;
            const uint8_t *block = panel_at(matrix, tile, column, &width);
            const int64_t piece = width * pl_layouts[matrix->type].block_bytes;
            const float *values = widened(isa, matrix->type, block, cols * width, out + sums);
            const float *first = x + row * x_stride + column;
            kernel(values, width, cols, first, x_stride, rows, block + FETCH_BYTES, piece, out);
        }
        store_panel(product, tile, width, row, rows, out);
    }
}

/// Weights of type `size` bytes wide: row-major to (columns x width).
static void transpose(
    const uint8_t *from, int64_t rows, int64_t cols, size_t size, int64_t width, int64_t lane, uint8_t *to) {
    for (int64_t c = 0; c < cols; ++c) {
        uint8_t *column = to + (size_t)(c * width + lane) * size;
        for (int64_t r = 0; r < PL_TILE_ROWS; ++r) {
            if (r < rows) {
                memcpy(column + (size_t)r * size, from + (size_t)(r * cols + c) * size, size);
            } else {
                memset(column + (size_t)r * size, 0, size);
            }
        }
    }
}

void pl_pack_panel_tile(const pl_matrix *matrix, const uint8_t *from, int64_t tile) {
    const int64_t left = matrix->rows - tile * PL_TILE_ROWS, rows = left < PL_TILE_ROWS ? left : PL_TILE_ROWS;
    const int64_t lane = tile & 1 ? PL_TILE_ROWS : 0;
    int64_t width;
    uint8_t *to = (uint8_t *)panel_at(matrix, tile & ~(int64_t)1, 0, &width);
    if (matrix->type == PL_TYPE_F32) {
        transpose(from, rows, matrix->cols, 4, width, lane, to);
    } else {
        transpose(from, rows, matrix->cols, 2, width, lane, to);
    }
}
