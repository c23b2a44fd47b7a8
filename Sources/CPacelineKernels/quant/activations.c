#include "quant/activations.h"

#include <stdlib.h>
#include <string.h>

#include "isa/dispatch.h"
#include "memory/scratch.h"

size_t pl_activations_bytes(int64_t cols, int64_t count) {
    return (size_t)(cols / PL_ACTIVATION_BLOCK) * (size_t)pl_activation_rows(count)
        * (PL_ACTIVATION_BYTES + sizeof(pl_outlier) + 1);
}

/// Makes a block of row `row` zero.
static void clear_block(int64_t blocks, int64_t rows, int64_t block, int64_t row, void *out) {
    pl_activation_block place = pl_activation_block_at(out, rows, block, row);
    memset(place.codes, 0, PL_ACTIVATION_BLOCK);
    *place.scale = *place.total = 0;
    *place.sum[0] = *place.sum[1] = 0;
    pl_activation_groups(out, blocks, rows)[block * rows + row] = 0;
}

int64_t pl_activations_measures(int64_t cols) { return cols / PL_ACTIVATION_BLOCK + 1; }

void pl_activations_measure(pl_isa isa, const float *x, int64_t cols, float *measures) {
    PL_VARIANT(isa, pl_activations_measure)(x, cols, measures);
}

void pl_activations_quantise_part(
    pl_isa isa, const float *x, int64_t stride, int64_t cols, int64_t count, const float *measures,
    pl_activations_part part, void *out) {
    const int64_t rows = pl_activation_rows(count), blocks = cols / PL_ACTIVATION_BLOCK;
    PL_VARIANT(isa, pl_activations_quantise)(x, stride, cols, rows, measures, part, out);
    // The padding goes with the last row.
    for (int64_t row = count; part.row_end == count && row < rows; ++row) {
        for (int64_t column = part.column_begin; column < part.column_end; column += PL_ACTIVATION_BLOCK) {
            clear_block(blocks, rows, column / PL_ACTIVATION_BLOCK, row, out);
        }
    }
}

void pl_activations_quantise(pl_isa isa, const float *x, int64_t stride, int64_t cols, int64_t count, void *out) {
    if (count < 1) return;
    const int64_t measures = pl_activations_measures(cols);
    float *all = pl_scratch((size_t)(count * measures) * sizeof(float));
    if (!all) abort();
    for (int64_t row = 0; row < count; ++row) pl_activations_measure(isa, x + row * stride, cols, all + row * measures);
    pl_activations_quantise_part(isa, x, stride, cols, count, all, (pl_activations_part){0, count, 0, cols}, out);
}
