#include <string.h>

#if defined(__x86_64__)
#include "isa/x86.h"
#endif
#include "matmul/kernels.h"
#include "quant/activations.h"
#include "quant/formats.h"

/// The weights of one sub-block of 32 columns of a tile.
typedef struct sub_block {
    uint8_t code[PL_TILE_ROWS][32];
    float scale[2][PL_TILE_ROWS];
    float minimum[2][PL_TILE_ROWS];
} sub_block;

PL_INLINE pl_block block_of_lane(const pl_layout *layout, const uint8_t *tile, int64_t index, int lane) {
    const uint8_t *fields = tile + pl_tile_field(layout->fields, layout->words, index) + 2 * lane;
    pl_block block = {.word_stride = PL_WORD_BYTES};
    block.words = tile + pl_tile_words(layout->fields, layout->words, index) + 4 * lane;
    memcpy(&block.field[0], fields, 2);
    if (layout->fields == 2) memcpy(&block.field[1], fields + PL_FIELD_BYTES, 2);
    return block;
}

PL_INLINE void unpack(pl_type type, const uint8_t *tile, int64_t index, int s, sub_block *out) {
    for (int lane = 0; lane < PL_TILE_ROWS; ++lane) {
        pl_block block = block_of_lane(&pl_layouts[type], tile, index, lane);
        for (int k = 0; k < 32; ++k) out->code[lane][k] = (uint8_t)pl_code(type, block, s, k);
        for (int h = 0; h < pl_halves(type); ++h) {
            out->scale[h][lane] = pl_scale(type, block, s, h);
            out->minimum[h][lane] = pl_minimum(type, block, s, h);
        }
    }
}

PL_INLINE int32_t dot(const uint8_t *weight, const int8_t *activation, int count, int offset) {
    int32_t sum = 0;
    for (int k = 0; k < count; ++k) sum += ((int32_t)weight[k] - offset) * activation[k];
    return sum;
}

/// One activation row: `a` is its place in the block of activations.
PL_INLINE void accumulate(pl_type type, const sub_block *w, pl_activation_block a, float *out) {
    const int halves = pl_halves(type), width = 32 / halves;
    const int offset = pl_layouts[type].offset;
    for (int lane = 0; lane < PL_TILE_ROWS; ++lane) {
        float block = (float)dot(w->code[lane], a.codes, width, offset) * w->scale[0][lane];
        if (halves == 2) {
            int32_t second = dot(w->code[lane] + 16, a.codes + 16, 16, offset);
            block = __builtin_fmaf((float)second, w->scale[1][lane], block);
        }
        for (int h = 0; pl_has_minimum(type) && h < halves; ++h) {
            block = __builtin_fmaf(w->minimum[h][lane], halves == 1 ? *a.total : (float)*a.sum[h], block);
        }
        out[lane] = __builtin_fmaf(block, *a.scale, out[lane]);
    }
}

/// The same for the outlier of a row, which is in the group of four columns `group`.
PL_INLINE void accumulate_outlier(pl_type type, const sub_block *w, int group, const pl_outlier *outlier, float *out) {
    const int first = PL_OUTLIER_COLUMNS * group, h = first / (32 / pl_halves(type));
    for (int lane = 0; lane < PL_TILE_ROWS; ++lane) {
        const int32_t sum = dot(w->code[lane] + first, outlier->codes, PL_OUTLIER_COLUMNS, pl_layouts[type].offset);
        float block = (float)sum * w->scale[h][lane];
        if (pl_has_minimum(type)) block = __builtin_fmaf(w->minimum[h][lane], outlier->total, block);
        out[lane] = __builtin_fmaf(block, outlier->scale, out[lane]);
    }
}

PL_INLINE void multiply_tile(
    pl_type type, const uint8_t *tile, int64_t blocks, const void *activations, int64_t count, int64_t row,
    int64_t rows, float *out) {
    const int sub_blocks = pl_layouts[type].block_length / 32;
    const pl_outlier *outliers = pl_activation_outliers(activations, blocks * sub_blocks, count);
    const uint8_t *groups = pl_activation_groups(activations, blocks * sub_blocks, count);
    memset(out, 0, (size_t)rows * PL_TILE_ROWS * sizeof(float));
    for (int64_t index = 0; index < blocks; ++index) {
        for (int s = 0; s < sub_blocks; ++s) {
            sub_block weights;
            unpack(type, tile, index, s, &weights);
            for (int64_t i = 0; i < rows; ++i) {
                const int64_t block = index * sub_blocks + s;
                float *sums = out + i * PL_TILE_ROWS;
                accumulate(type, &weights, pl_activation_block_at(activations, count, block, row + i), sums);
                const int64_t place = block * count + row + i;
                if (groups[place]) accumulate_outlier(type, &weights, groups[place] - 1, &outliers[place], sums);
            }
        }
    }
}

#if defined(__x86_64__)
// Compiled again for CPUs with fused multiply-add, where __builtin_fmaf is an instruction instead of a call. Both round
// correctly, so they have the same bits.
#define DEFINE_FUSED_TILE(T) \
    PL_AVX2 static void fused_tile_##T( \
        const uint8_t *tile, int64_t blocks, const void *a, int64_t n, int64_t row, int64_t rows, float *out) { \
        multiply_tile(PL_TYPE_##T, tile, blocks, a, n, row, rows, out); \
    }
PL_QUANTISED_TYPES(DEFINE_FUSED_TILE)
#define IF_FUSED(statement) \
    if (pl_isa_supported(PL_ISA_AVX2)) statement
#else
#define IF_FUSED(statement)
#endif

#define DEFINE_TILE(T) \
    static void tile_##T( \
        const uint8_t *tile, int64_t blocks, const void *a, int64_t n, int64_t row, int64_t rows, float *out) { \
        IF_FUSED(return fused_tile_##T(tile, blocks, a, n, row, rows, out);) \
        multiply_tile(PL_TYPE_##T, tile, blocks, a, n, row, rows, out); \
    }
PL_QUANTISED_TYPES(DEFINE_TILE)

#define KERNELS_OF_TYPE(T) [PL_TYPE_##T] = {tile_##T, NULL},
const pl_tile_kernels pl_tile_kernels_scalar[PL_TYPE_LIMIT] = {PL_QUANTISED_TYPES(KERNELS_OF_TYPE)};
