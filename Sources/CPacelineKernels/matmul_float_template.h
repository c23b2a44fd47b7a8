/// The kernel of float weights, written once over a vector of LANES output rows.
///
/// The file that includes this (one per instruction set) defines first
///
///     TARGET                 the function attribute that selects the instruction set
///     LANES                  floats of a vector: 4, 8 or 16
///     vec_f                  a vector, with f_load f_store f_set1 f_add f_fma
///     FLOAT_VECTORS          vectors side by side: together 16 or 32 output rows
///     FLOAT_STEPS(X)         X(rows) for numbers of activation rows, falling to 1, of which the first's sums fit in
///                            registers for so many vectors
///     FLOAT_KERNEL           the kernel's name

#include <stddef.h>

#include "matmul_float_kernels.h"

#define TEMPLATE static inline __attribute__((always_inline)) TARGET

enum { MOST_ROWS = 16 };

/// `rows` and `vectors` are constants.
TEMPLATE void float_rows(
    int rows, int vectors, const float *weights, int64_t width, int64_t cols, const float *x, int64_t x_stride,
    const uint8_t *ahead, int64_t piece, float *out) {
    vec_f sum[MOST_ROWS][FLOAT_VECTORS];
    for (int r = 0; r < rows; ++r) {
        for (int v = 0; v < vectors; ++v) sum[r][v] = f_set1(0);
    }
    for (int64_t k = 0; k < cols; ++k, weights += width) {
        vec_f weight[FLOAT_VECTORS];
        // Of many rows the first ones fetch; for the others there is nothing left to do.
        if (ahead) {
            __builtin_prefetch(ahead + k * piece);
            __builtin_prefetch(ahead + k * piece + piece / 2);
        }
        for (int v = 0; v < vectors; ++v) weight[v] = f_load(weights + v * LANES);
        for (int r = 0; r < rows; ++r) {
            const vec_f one = f_set1(x[r * x_stride + k]);
            for (int v = 0; v < vectors; ++v) sum[r][v] = f_fma(weight[v], one, sum[r][v]);
        }
    }
    for (int r = 0; r < rows; ++r) {
        for (int v = 0; v < vectors; ++v) {
            float *place = out + r * PL_FLOAT_PANEL + v * LANES;
            f_store(place, f_add(f_load(place), sum[r][v]));
        }
    }
}

TEMPLATE void float_lanes(
    int vectors, const float *weights, int64_t width, int64_t cols, const float *x, int64_t x_stride, int64_t rows,
    const uint8_t *ahead, int64_t piece, float *out) {
    int64_t row = 0;
#define TAKE(ROWS) \
    for (; rows - row >= ROWS; row += ROWS) { \
        float_rows( \
            ROWS, vectors, weights, width, cols, x + row * x_stride, x_stride, row > 0 ? NULL : ahead, piece, \
            out + row * PL_FLOAT_PANEL); \
    }
    FLOAT_STEPS(TAKE)
#undef TAKE
}

TARGET void FLOAT_KERNEL(
    const float *weights, int64_t width, int64_t cols, const float *x, int64_t x_stride, int64_t rows,
    const uint8_t *ahead, int64_t piece, float *out) {
    enum { WIDE = FLOAT_VECTORS * LANES };
    int64_t lane = 0;
    for (; width - lane >= WIDE; lane += WIDE) {
        const uint8_t *first = lane == 0 ? ahead : NULL;
        float_lanes(FLOAT_VECTORS, weights + lane, width, cols, x, x_stride, rows, first, piece, out + lane);
    }
    // Half a panel is left of the last tile where a panel takes two.
    if (lane < width) {
        float_lanes(16 / LANES, weights + lane, width, cols, x, x_stride, rows, NULL, 0, out + lane);
    }
}
