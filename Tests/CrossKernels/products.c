// Products of quantised weights: every type, 1 to 33 and more rows of activations, odd numbers of blocks.

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "comparison.h"
#include "families.h"
#include "inputs.h"
#include "paceline/matmul.h"

/// A packed matrix and rows of activations.
typedef struct product_case {
    pl_matrix matrix;
    const float *x;
    int64_t count;
    int64_t gap;  ///< floats between the rows of the output, which must stay unchanged
    pl_pool *pool;
} product_case;

/// Quantises with the kernel of the same instruction set, then multiplies.
static void multiply(const void *context, pl_isa isa, void *out) {
    const product_case *p = context;
    const int64_t cols = p->matrix.cols;
    void *quantised = allocate(pl_activations_bytes(cols, p->count));
    pl_activations_quantise(isa, p->x, cols, cols, p->count, quantised);
    const pl_product product = {&p->matrix, out, p->matrix.rows + p->gap};
    pl_matmul(isa, p->pool, &product, 1, NULL, 0, quantised, p->count);
    free(quantised);
}

static void compare_product(comparison *c, const product_case *p, weights kind) {
    describe(
        c, "%lld x %lld of %s weights, %lld rows of activations, %d threads", (long long)p->matrix.rows,
        (long long)p->matrix.cols, weights_name(kind), (long long)p->count, pl_pool_threads(p->pool));
    compare(c, multiply, p, FLOATS, (size_t)(p->count * (p->matrix.rows + p->gap) - p->gap));
}

/// Every fifth block of 32 has an outlier, in each group of four columns in turn, and every seventh block is far
/// larger than the rest. A few rows have no such block.
static float *activations(inputs *in, int64_t count, int64_t cols) {
    float *x = floats(in, (size_t)(count * cols), 3);
    for (int64_t i = 0; i < count * cols; ++i) {
        const int64_t row = i / cols, block = i % cols / 32;
        if (row % 7 != 3 && (block + row) % 5 == 0 && i % 32 / 4 == (block + row) / 5 % 8) x[i] *= 30;
        if (row % 7 != 3 && (block + row) % 7 == 0) x[i] *= 5;
    }
    return x;
}

static pl_matrix pack(inputs *in, pl_type type, int64_t rows, int64_t cols, weights kind) {
    uint8_t *blocks = weight_blocks(in, type, (size_t)(rows * cols) / pl_type_block_length(type), kind);
    pl_matrix matrix = {type, rows, cols, allocate(pl_matrix_bytes(type, rows, cols))};
    pl_matrix_pack(&matrix, blocks, 0, (rows + PL_TILE_ROWS - 1) / PL_TILE_ROWS);
    free(blocks);
    return matrix;
}

/// Compares one matrix with each number of rows of activations in `counts`, which ends with 0.
static void compare_counts(
    comparison *c, pl_type type, int64_t rows, int64_t cols, weights kind, const int *counts, int threads) {
    inputs in = {(uint64_t)(1000 * type + cols)};
    product_case p = {.matrix = pack(&in, type, rows, cols, kind), .pool = pl_pool_create(threads)};
    int most = 0;
    for (int i = 0; counts[i] > 0; ++i) most = counts[i] > most ? counts[i] : most;
    float *x = activations(&in, most, cols);
    for (int i = 0; counts[i] > 0; ++i) {
        // The last rows of the activations, so that no two cases start with the same row.
        p.x = x + (most - counts[i]) * cols;
        p.count = counts[i];
        p.gap = counts[i] % 4;
        compare_product(c, &p, kind);
    }
    pl_pool_destroy(p.pool);
    free(p.matrix.data);
    free(x);
}

/// Activations with infinities and NaN: their rows of the output are NaN, the others are not.
static void compare_not_finite(comparison *c, pl_type type, int64_t cols) {
    inputs in = {77};
    product_case p = {.matrix = pack(&in, type, 16, cols, ORDINARY), .count = 5, .pool = pl_pool_create(1)};
    float *x = activations(&in, p.count, cols);
    x[cols + 3] = INFINITY;
    x[3 * cols + 31] = NAN;
    p.x = x;
    compare_product(c, &p, ORDINARY);
    pl_pool_destroy(p.pool);
    free(p.matrix.data);
    free(x);
}

void compare_products(comparison *c, pl_type type) {
    static const int every[] = {
        1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17,
        18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 0,
    };
    static const int some[] = {1, 2, 4, 7, 8, 12, 16, 0}, few[] = {1, 5, 0}, many[] = {1, 64, 70, 131, 0};
    const int64_t block = (int64_t)pl_type_block_length(type);
    // Rows that fill two tiles and part of a third.
    compare_counts(c, type, 41, block == 32 ? 160 : 512, ORDINARY, every, 1);
    compare_counts(c, type, 35, 3 * 256, LARGEST, some, 1);
    compare_counts(c, type, 35, 3 * 256, SUBNORMAL, some, 1);
    for (int64_t blocks = 1; blocks <= 11; blocks += blocks == 3 ? 8 : 1) {
        if (block == 32) compare_counts(c, type, 19, blocks * 32, ORDINARY, few, 1);
    }
    compare_counts(c, type, 16, 256, ORDINARY, many, 1);
    compare_counts(c, type, 161, 1024, ORDINARY, few, 3);
    compare_not_finite(c, type, 256);
}
