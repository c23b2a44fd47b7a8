// Products of float16 and bfloat16 weights: panels of two tiles, single tiles, partial tiles, blocks of columns.

#include <stdlib.h>
#include <string.h>

#include "comparison.h"
#include "families.h"
#include "inputs.h"
#include "paceline/matmul.h"

typedef struct float_case {
    pl_matrix matrix;
    const float *x;
    int64_t count;
    pl_pool *pool;
} float_case;

static void multiply(const void *context, pl_isa isa, void *out) {
    const float_case *p = context;
    const pl_product product = {&p->matrix, out, p->matrix.rows};
    pl_matmul(isa, p->pool, &product, 1, p->x, p->matrix.cols, NULL, p->count);
}

/// Finite weights of either sign, about as large as a model's.
static uint16_t *random_weights(inputs *in, pl_type type, size_t count) {
    uint16_t *bits = allocate(count * sizeof *bits);
    for (size_t i = 0; i < count; ++i) {
        const uint16_t random = (uint16_t)next(in);
        bits[i] = type == PL_TYPE_F16 ? (random & 0x87ff) | 0x2800 : (random & 0x80ff) | 0x3d00;
    }
    return bits;
}

static void compare_shape(comparison *c, pl_type type, int64_t rows, int64_t cols, int threads) {
    static const int counts[] = {1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 13, 24, 200};
    inputs in = {(uint64_t)(1000 * type + cols)};
    uint16_t *bits = random_weights(&in, type, (size_t)(rows * cols));
    float_case p = {.matrix = {type, rows, cols, allocate(pl_matrix_bytes(type, rows, cols))}};
    p.pool = pl_pool_create(threads);
    pl_matrix_pack(&p.matrix, bits, 0, (rows + PL_TILE_ROWS - 1) / PL_TILE_ROWS);
    float *x = floats(&in, (size_t)(200 * cols), 3);
    p.x = x;
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; ++i) {
        p.count = counts[i];
        describe(
            c, "%lld x %lld of %s weights, %d rows of activations, %d threads", (long long)rows, (long long)cols,
            pl_type_name(type), counts[i], threads);
        compare(c, multiply, &p, FLOATS, (size_t)(p.count * rows));
    }
    pl_pool_destroy(p.pool);
    free(p.matrix.data);
    free(bits);
    free(x);
}

void compare_float_products(comparison *c, pl_type type) {
    compare_shape(c, type, 16, 32, 1);
    compare_shape(c, type, 41, 320, 1);
    compare_shape(c, type, 64, 544, 2);
    compare_shape(c, type, 50, 256, 3);
}
