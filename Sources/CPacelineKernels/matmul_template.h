/// The tile kernel of every quantised type, written once over a vector of LANES output rows.
///
/// The file that includes this (one per instruction set) defines first
///
///     TARGET                         the function attribute that selects the instruction set
///     LANES                          32-bit lanes of a vector: 4, 8 or 16
///     vec_i, vec_f                   vectors of integers and of floats
///     v_load v_set1 v_and v_or v_xor v_left(v, n) v_right(v, n) v_right_signed(v, n)
///     v_rotate(v, n)                 each 32-bit lane left by n (0 ..< 32, not a constant); only the bits that do
///                                    not leave their byte, left by n or right by 32 - n, matter
///     v_merge(high, mask, low)       (high & mask) | low; `low` has no bit of the mask
///     v_bytes_where(bytes, bits, v)  v where a byte of `bytes & bits` is not zero, else 0
///     v_lookup(table, index)         table[index] for bytes of index < 16; the table is one of 16 bytes
///     v_spread(v, byte)              each 32-bit lane's byte `byte` in all four of its bytes
///     v_halves_float, v_halves_int   LANES float16 to float, LANES uint16 to int32
///     f_store f_set1 f_mul f_fma f_negate f_from_int f_of_bits f_load
///     v_dots(type, rows, codes, first, last, activations, dot)
///                                    adds operands first ..< last of codes x activations to the dots of several rows
///     v_dot_four(type, dot, code, activations)
///                                    adds one operand of codes x four activations, the same in every lane
///     V_OFFSET(type)                 what the codes that v_dots sees are too large by
///     V_WHOLE_BYTES                  1 if a dot takes codes of a whole unsigned byte
///     MAX_ROWS                       activation rows whose running sums fit in registers: 4 or 16
///     STEP(type, rows)               how many rows' dots fit in registers beside the codes and the sums of `rows` rows
///     SUMS_IN_MEMORY(type, rows)     1 if the sums of `rows` rows are better kept in memory, and registers for dots
///     PAIR_KERNEL_OF_TYPE            optional: the name of the function that returns the kernel of a type for two tiles
///     V_BIASED_BYTE, v_biased_byte(v, n)  if there is one: the float 2^23 + byte n of each lane
///     v_four(p), v_dot(type, d, c, a)  if there is one: four activations in every lane, and d + codes c x those
///     KERNEL_OF_TYPE                 the name of the function that returns the kernel of a type
///
/// Operand j (0 ..< 8) of a sub-block of 32 columns holds in each lane the codes of columns 4j ..< 4j + 4.

#include <string.h>

#include "matmul_kernels.h"
#include "prefetch.h"
#include "quant_activations.h"
#include "quant_formats.h"

#define TEMPLATE static inline __attribute__((always_inline)) TARGET

#include "matmul_unpack.h"

/// What each activation row brings to a sub-block besides its codes and scale.
typedef struct row_terms {
    /// -offset * sum of the codes, in the first half plus BIAS_BITS: where integer sums start.
    int32_t initial[2][PL_ROW_GROUP];
    /// Sum of 16 codes, for minimums of 16.
    float sum[2][PL_ROW_GROUP];
} row_terms;

/// The bits of 1.5 * 2^23. The integer sum of the first half, and that of an outlier, starts there, so that the sum's
/// bits are the float BIAS + sum, and
///
///     fma(BIAS + sum, scale, -BIAS * scale)  has the bits of  (float)sum * scale
///
/// for |sum| < 2^22: a scale has at most 19 significant bits, so -BIAS * scale is exact and only the result is rounded.
/// That makes one instruction of a conversion and a product.
enum { BIAS_BITS = 0x4b400000 };
#define BIAS 0x1.8p23f

TEMPLATE void terms_of(pl_type type, pl_activation_block a, int rows, row_terms *out) {
    const int halves = pl_halves(type), offset = V_OFFSET(type);
    if (offset != 0 && halves == 1) {
        for (int i = 0; i < rows; ++i) out->initial[0][i] = BIAS_BITS - offset * (a.sum[0][i] + a.sum[1][i]);
    }
    for (int h = 0; halves == 2 && h < 2; ++h) {
        const int32_t bias = h == 0 ? BIAS_BITS : 0;
        for (int i = 0; offset != 0 && i < rows; ++i) out->initial[h][i] = bias - offset * a.sum[h][i];
        for (int i = 0; pl_has_minimum(type) && i < rows; ++i) out->sum[h][i] = (float)a.sum[h][i];
    }
}

/// The weights of one sub-block of one vector of rows.
typedef struct sub_block {
    vec_i code[OPERANDS];
    vec_f scale[2];
    vec_f unbias;  ///< -BIAS * scale[0]
    vec_f minimum[2];
} sub_block;

/// Adds rows i ..< i + n (<= STEP) of one sub-block to their running sums; n is a constant.
TEMPLATE void add_rows(
    pl_type type, int n, int i, const sub_block *w, pl_activation_block a, const row_terms *terms, vec_f *sum) {
    const int halves = pl_halves(type), width = OPERANDS / halves;
    vec_f block[MAX_ROWS];
    for (int h = 0; h < halves; ++h) {
        vec_i dot[MAX_ROWS];
        const int32_t bias = h == 0 ? BIAS_BITS : 0;
        for (int r = 0; r < n; ++r) dot[r] = v_set1(V_OFFSET(type) != 0 ? terms->initial[h][i + r] : bias);
        v_dots(type, n, w->code, width * h, width * h + width, a.codes + 32 * i, dot);
        for (int r = 0; r < n; ++r) {
            block[r] = h == 0 ? f_fma(f_of_bits(dot[r]), w->scale[0], w->unbias)
                              : f_fma(f_from_int(dot[r]), w->scale[1], block[r]);
        }
    }
    for (int h = 0; pl_has_minimum(type) && h < halves; ++h) {
        for (int r = 0; r < n; ++r) {
            block[r] = f_fma(w->minimum[h], f_set1(halves == 1 ? a.total[i + r] : terms->sum[h][i + r]), block[r]);
        }
    }
    for (int r = 0; r < n; ++r) sum[r] = f_fma(block[r], f_set1(a.scale[i + r]), sum[r]);
}

TEMPLATE void add_rows_in_memory(
    pl_type type, int n, int i, const sub_block *w, pl_activation_block a, const row_terms *terms, float *out) {
    vec_f sum[MAX_ROWS];
    for (int r = 0; r < n; ++r) sum[r] = f_load(out + (i + r) * PL_TILE_ROWS);
    add_rows(type, n, i, w, a, terms, sum);
    for (int r = 0; r < n; ++r) f_store(out + (i + r) * PL_TILE_ROWS, sum[r]);
}

/// The weights of one sub-block in memory, where an outlier picks its own.
typedef struct kept_sub_block {
    vec_i code[OPERANDS];
    vec_f scale[2], unbias[2], minimum[2];
} kept_sub_block;

TEMPLATE void keep(pl_type type, const sub_block *w, kept_sub_block *out) {
    for (int j = 0; j < OPERANDS; ++j) out->code[j] = w->code[j];
    for (int h = 0; h < pl_halves(type); ++h) {
        out->scale[h] = w->scale[h];
        out->unbias[h] = h == 0 ? w->unbias : f_mul(w->scale[h], f_set1(-BIAS));
        if (pl_has_minimum(type)) out->minimum[h] = w->minimum[h];
    }
}

/// Adds the outlier of a row, in group `group` of a sub-block, to the row's running sum.
TEMPLATE vec_f add_outlier(pl_type type, const kept_sub_block *w, int group, const pl_outlier *outlier, vec_f sum) {
    const int h = pl_halves(type) == 2 ? group >> 2 : 0, offset = V_OFFSET(type);
    const vec_i start = v_set1(offset != 0 ? BIAS_BITS - offset * outlier->sum : BIAS_BITS);
    const vec_i dot = v_dot_four(type, start, w->code[group], outlier->codes);
    vec_f block = f_fma(f_of_bits(dot), w->scale[h], w->unbias[h]);
    if (pl_has_minimum(type)) block = f_fma(w->minimum[h], f_set1(outlier->total), block);
    return f_fma(block, f_set1(outlier->scale), sum);
}

/// Adds the outliers of those rows of one sub-block that have one; `rows` and the sums as for multiply_block. Kept from
/// the rows' own loop, so that where none of a constant number of rows has one, one test tells.
TEMPLATE void add_outliers(
    pl_type type, int rows, int64_t count, const sub_block *w, const pl_outlier *outliers, const uint8_t *groups,
    vec_f *sum, float *out) {
    uint64_t any[2] = { 0, 0 };
    if (rows > 0) memcpy(any, groups, (size_t)rows);
    if (rows > 0 && (any[0] | any[1]) == 0) return;
    kept_sub_block kept;
    keep(type, w, &kept);
#pragma clang loop unroll(full)
    for (int i = 0; i < rows && !SUMS_IN_MEMORY(type, rows); ++i) {
        if (groups[i]) sum[i] = add_outlier(type, &kept, groups[i] - 1, &outliers[i], sum[i]);
    }
    for (int64_t i = 0; SUMS_IN_MEMORY(type, rows) && i < (rows > 0 ? rows : count); ++i) {
        float *place = out + i * PL_TILE_ROWS;
        if (groups[i]) f_store(place, add_outlier(type, &kept, groups[i] - 1, &outliers[i], f_load(place)));
    }
}

/// Fetches a sub-block's share of what is read later: a whole block of requests at once stalls. Tiles lie one after the
/// other, so this runs into the next one.
TEMPLATE void prefetch(const uint8_t *words, int s, int sub_blocks, int count) {
    const int lines = (count + sub_blocks) / sub_blocks, end = (s + 1) * lines;
    for (int line = s * lines; line < end && line <= count; ++line) pl_prefetch_ahead(words + line * PL_WORD_BYTES);
}

/// The most rows of a kernel whose loop over a block's sub-blocks is unrolled. With few rows, unpacking is most of the
/// work, and constants make it shorter; with more, it is the instructions that take longer to fetch.
enum { UNROLLED_ROWS = 4 };

TEMPLATE void sub_block_of(pl_type type, const uint8_t *words, const scales *all, int s, sub_block *out) {
    const int halves = pl_halves(type);
    codes_of(type, words, s, out->code);
    for (int h = 0; h < halves; ++h) {
        out->scale[h] = all->scale[halves * s + h];
        out->minimum[h] = all->minimum[halves * s + h];
    }
    out->unbias = f_mul(out->scale[0], f_set1(-BIAS));
}

/// A vector of output rows of a tile, and the activation rows that it meets.
typedef struct view {
    const uint8_t *tile;
    int64_t blocks;
    const void *activations;
    const pl_outlier *outliers;
    const uint8_t *groups;  ///< of the outliers
    int64_t count;
    int64_t row;
    int64_t rows;
    int lane;  ///< the vector's first lane in the tile
} view;

/// Adds sub-block `s` of a block to the running sums; `rows` and the sums as for multiply_block.
TEMPLATE void multiply_sub_block(
    pl_type type, int rows, const view *v, int64_t block, int s, const uint8_t *words, const scales *all, vec_f *sum,
    float *out) {
    const pl_layout layout = pl_layouts[type];
    const int sub_blocks = layout.block_length / 32, step = rows > 0 ? STEP(type, rows) : STEP(type, MAX_ROWS);
    // One or two rows are never part of more, and constants make short work of addresses.
    const int64_t count = rows == 1 || rows == 2 ? rows : v->count, index = block * sub_blocks + s;
    const pl_activation_block a = pl_activation_block_at(v->activations, count, index, v->row);
    prefetch(words, s, sub_blocks, layout.words);
    sub_block w;
    sub_block_of(type, words, all, s, &w);
    row_terms terms;
    terms_of(type, a, rows > 0 ? rows : (int)v->rows, &terms);
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i += step) {
        const int some = rows - i < step ? rows - i : step;
        if (SUMS_IN_MEMORY(type, rows)) {
            add_rows_in_memory(type, some, i, &w, a, &terms, out);
        } else {
            add_rows(type, some, i, &w, a, &terms, sum + i);
        }
    }
    for (int i = 0; rows == 0 && i < v->rows; i += step) add_rows_in_memory(type, step, i, &w, a, &terms, out);
    const int64_t place = index * count + v->row;
    add_outliers(type, rows, v->rows, &w, v->outliers + place, v->groups + place, sum, out);
}

/// Adds one block to the running sums. `rows` is either a constant, or 0: then there are v->rows rows, a multiple of
/// STEP. The sums are in registers (`sum`) or, where SUMS_IN_MEMORY, in `out`.
TEMPLATE void multiply_block(pl_type type, int rows, const view *v, int64_t block, vec_f *sum, float *out) {
    const pl_layout layout = pl_layouts[type];
    const int sub_blocks = layout.block_length / 32;
    const uint8_t *fields = v->tile + pl_tile_field(layout.fields, layout.words, block) + 2 * v->lane;
    const uint8_t *words = v->tile + pl_tile_words(layout.fields, layout.words, block) + 4 * v->lane;
    scales all;
    scales_of(type, fields, words, &all);
    if (rows == 0 || rows > UNROLLED_ROWS) {
        for (int s = 0; s < sub_blocks; ++s) multiply_sub_block(type, rows, v, block, s, words, &all, sum, out);
    } else {
#pragma clang loop unroll(full)
        for (int s = 0; s < sub_blocks; ++s) multiply_sub_block(type, rows, v, block, s, words, &all, sum, out);
    }
}

/// The whole product of `rows` rows, as for multiply_block.
TEMPLATE void multiply_rows(pl_type type, int rows, const view *v, float *out) {
    const int in_registers = SUMS_IN_MEMORY(type, rows) ? 0 : rows;
    const int64_t in_memory = rows > 0 ? rows - in_registers : v->rows;
    vec_f sum[MAX_ROWS];
    for (int r = 0; r < in_registers; ++r) sum[r] = f_set1(0);
    for (int64_t r = 0; r < in_memory; ++r) f_store(out + r * PL_TILE_ROWS, f_set1(0));
    for (int64_t block = 0; block < v->blocks; ++block) multiply_block(type, rows, v, block, sum, out);
    for (int r = 0; r < in_registers; ++r) f_store(out + r * PL_TILE_ROWS, sum[r]);
}

/// The next rows of `v`; returns how many. Row counts are padded so that every count is a sum of these.
TEMPLATE int64_t multiply_some(pl_type type, const view *v, float *out) {
    if (v->rows > MAX_ROWS && MAX_ROWS == 4) {
        multiply_rows(type, 0, v, out);
        return v->rows;
    }
    int rows = v->rows > MAX_ROWS ? MAX_ROWS : (int)v->rows;
    switch (rows) {
    case 1: multiply_rows(type, 1, v, out); break;
    case 2: multiply_rows(type, 2, v, out); break;
    case 4: multiply_rows(type, 4, v, out); break;
#if MAX_ROWS == 16
    case 8: multiply_rows(type, 8, v, out); break;
    case 12: multiply_rows(type, 12, v, out); break;
    case 16: multiply_rows(type, 16, v, out); break;
#endif
    }
    return rows;
}

TEMPLATE void multiply_tile(pl_type type, view v, float *out) {
    const view whole = v;
    for (; v.lane < PL_TILE_ROWS; v.lane += LANES) {
        for (int64_t done = 0; done < whole.rows;) {
            v.row = whole.row + done;
            v.rows = whole.rows - done;
            done += multiply_some(type, &v, out + done * PL_TILE_ROWS + v.lane);
        }
    }
}

#ifdef PAIR_KERNEL_OF_TYPE
#include "matmul_pair.h"

#define DEFINE_PAIR_KERNEL(T) \
    TARGET static void pair_##T( \
        const uint8_t *tile, int64_t blocks, const void *a, int64_t n, int64_t row, int64_t rows, float *out) { \
        const int64_t columns = blocks * (pl_layouts[PL_TYPE_##T].block_length / PL_ACTIVATION_BLOCK); \
        const pl_outlier *outliers = pl_activation_outliers(a, columns, n); \
        view v = { tile, blocks, a, outliers, pl_activation_groups(a, columns, n), n, row, rows, 0 }; \
        multiply_pair(PL_TYPE_##T, &v, out); \
    }
PL_QUANTISED_TYPES(DEFINE_PAIR_KERNEL)

#define CHOOSE_PAIR_KERNEL(T) case PL_TYPE_##T: return pair_##T;
pl_tile_kernel PAIR_KERNEL_OF_TYPE(pl_type type) {
    switch (type) {
        PL_QUANTISED_TYPES(CHOOSE_PAIR_KERNEL)
    default: return NULL;
    }
}
#endif

#define DEFINE_KERNEL(T) \
    TARGET static void tile_##T( \
        const uint8_t *tile, int64_t blocks, const void *a, int64_t n, int64_t row, int64_t rows, float *out) { \
        const int64_t columns = blocks * (pl_layouts[PL_TYPE_##T].block_length / PL_ACTIVATION_BLOCK); \
        const pl_outlier *outliers = pl_activation_outliers(a, columns, n); \
        view v = { tile, blocks, a, outliers, pl_activation_groups(a, columns, n), n, row, rows, 0 }; \
        multiply_tile(PL_TYPE_##T, v, out); \
    }
PL_QUANTISED_TYPES(DEFINE_KERNEL)

#define CHOOSE_KERNEL(T) case PL_TYPE_##T: return tile_##T;
pl_tile_kernel KERNEL_OF_TYPE(pl_type type) {
    switch (type) {
        PL_QUANTISED_TYPES(CHOOSE_KERNEL)
    default: return NULL;
    }
}
