#include "matmul_float.h"

#include <stdlib.h>
#include <string.h>

#include "paceline/blas.h"
#include "quant_layout.h"
#include "scratch.h"

/// Every sgemm call has this many activation rows, missing ones zero. The library picks its kernels by shape, so with one
/// shape per matrix the bits of a row cannot depend on how many rows there are.
enum { HEIGHT = 16, PANEL_BYTES = 512 << 10 };

int64_t pl_matmul_float_tiles(const pl_matrix *matrix) {
    int64_t tile_bytes = PL_TILE_ROWS * matrix->cols * (int64_t)sizeof(float);
    return tile_bytes >= PANEL_BYTES ? 1 : PANEL_BYTES / tile_bytes;
}

/// The panel as float32: where it lies if it is that already, else widened into `scratch`.
static const float *widened(const pl_matrix *matrix, int64_t begin, int64_t rows, float *scratch) {
    size_t count = (size_t)(rows * matrix->cols), first = (size_t)(begin * PL_TILE_ROWS * matrix->cols);
    if (matrix->type == PL_TYPE_F32) return (const float *)matrix->data + first;
    pl_dequantise(matrix->type, (const uint16_t *)matrix->data + first, count, scratch);
    return scratch;
}

void pl_matmul_float(
    const pl_product *product, int64_t begin, int64_t end, const float *x, int64_t x_stride, int64_t count) {
    const pl_matrix *matrix = product->matrix;
    const int64_t cols = matrix->cols, rows = (end - begin) * PL_TILE_ROWS;
    float *rows_in = pl_scratch((size_t)(HEIGHT * cols + HEIGHT * rows + rows * cols) * sizeof(float));
    if (!rows_in) abort();
    float *rows_out = rows_in + HEIGHT * cols;
    const float *panel = widened(matrix, begin, rows, rows_out + HEIGHT * rows);
    int64_t width = matrix->rows - begin * PL_TILE_ROWS < rows ? matrix->rows - begin * PL_TILE_ROWS : rows;
    for (int64_t row = 0; row < count; row += HEIGHT) {
        int64_t some = count - row < HEIGHT ? count - row : HEIGHT;
        for (int64_t i = 0; i < some; ++i) {
            memcpy(rows_in + i * cols, x + (row + i) * x_stride, (size_t)cols * sizeof(float));
        }
        memset(rows_in + some * cols, 0, (size_t)((HEIGHT - some) * cols) * sizeof(float));
        pl_blas_sgemm_nt(HEIGHT, rows, cols, rows_in, cols, panel, cols, rows_out, rows);
        for (int64_t i = 0; i < some; ++i) {
            float *y = product->y + (row + i) * product->y_stride + begin * PL_TILE_ROWS;
            memcpy(y, rows_out + i * rows, (size_t)width * sizeof(float));
        }
    }
}
