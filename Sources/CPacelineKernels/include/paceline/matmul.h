#ifndef PACELINE_MATMUL_H
#define PACELINE_MATMUL_H

#include <stddef.h>
#include <stdint.h>

#include "paceline/cpu.h"
#include "paceline/pool.h"
#include "paceline/quant.h"

/// Output rows of one tile: a lane of a tile owns one output row.
enum { PL_TILE_ROWS = 16 };

/// A weight matrix (rows x cols), repacked into tiles of PL_TILE_ROWS output rows.
///
/// Missing rows of the last tile are zero. `data` is 64-byte aligned and owned by the caller.
typedef struct pl_matrix {
    pl_type type;
    int64_t rows;  ///< outputs
    int64_t cols;  ///< inputs; a multiple of 32 and of the type's block length
    void *data;    ///< pl_matrix_bytes(type, rows, cols) bytes
} pl_matrix;

size_t pl_matrix_bytes(pl_type type, int64_t rows, int64_t cols);

/// Repacks tiles [tile_begin, tile_end) of a matrix from the file format (row-major blocks) into `matrix->data`.
void pl_matrix_pack(const pl_matrix *matrix, const void *blocks, int64_t tile_begin, int64_t tile_end);

/// Searches rows [row_begin, row_end) of a matrix in file format for the first with a non-finite weight or scale.
/// Returns `row_end` if there is none.
int64_t pl_matrix_first_not_finite(const pl_matrix *matrix, const void *blocks, int64_t row_begin, int64_t row_end);

/// Bytes of `count` quantised rows of `cols` activations, for products with weights of any type.
size_t pl_activations_bytes(int64_t cols, int64_t count);

/// Quantises `count` rows of activations (count x cols, row stride `stride` floats) to int8, with one float32 scale per
/// block of 32. Four columns with one far larger than the other 28 columns get a second code and scale.
///
/// Layout is private to the kernels. A row's bytes depend on that row alone.
void pl_activations_quantise(pl_isa isa, const float *x, int64_t stride, int64_t cols, int64_t count, void *out);

/// Floats that pl_activations_measure writes for a row of `cols` activations.
int64_t pl_activations_measures(int64_t cols);

/// Measures a row, which decides the scales of its blocks.
void pl_activations_measure(pl_isa isa, const float *x, int64_t cols, float *measures);

/// Rows and columns of a matrix; the columns are multiples of 32.
typedef struct pl_activations_part {
    int64_t row_begin, row_end;
    int64_t column_begin, column_end;
} pl_activations_part;

/// Quantises a part of the `count` rows, so that threads can share the work. `measures` has the measures of all rows,
/// one row after the other. A part that ends with the last row also fills the padding after it.
///
/// Scales and sums of neighbouring rows share cache lines. So threads should share a few rows by columns, and many rows
/// in groups of 16.
void pl_activations_quantise_part(
    pl_isa isa, const float *x, int64_t stride, int64_t cols, int64_t count, const float *measures,
    pl_activations_part part, void *out);

/// One product of a group: y (count x rows, row stride `y_stride`) = activations . transpose(matrix).
typedef struct pl_product {
    const pl_matrix *matrix;
    float *y;
    int64_t y_stride;
} pl_product;

/// Computes several products of the same quantised activations in one pass over the pool.
///
/// Output element (i, r) depends only on activation row i and matrix row r: bit-identical for any count, grouping,
/// thread count and instruction set. `x` holds the float activations (for weights of float types), `q` the quantised
/// ones. Either may be NULL if no matrix of the group needs it.
void pl_matmul(
    pl_isa isa, pl_pool *pool, const pl_product *products, int product_count, const float *x, int64_t x_stride,
    const void *q, int64_t count);

/// Tells the pool which matrices the call of pl_matmul after the coming one will multiply by `count` rows. Threads that
/// are idle until then fetch the weights that they will begin with. With more than a few rows this does nothing,
/// because multiplying then takes longer than reading.
void pl_matmul_expect(pl_isa isa, pl_pool *pool, const pl_matrix *const *matrices, int matrix_count, int64_t count);

#endif
