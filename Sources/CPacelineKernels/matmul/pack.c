#include <string.h>

#include "isa/plain.h"
#include "matmul/panels.h"
#include "paceline/matmul.h"
#include "quant/layout.h"

/// Transposes one 16-bit field: lane r of the vector is the field of row r. Rows past the end stay zero.
static void pack_field(const uint8_t *block, size_t row_bytes, int64_t rows, uint8_t *vector) {
    for (int64_t row = 0; row < rows; ++row) memcpy(vector + 2 * row, block + (size_t)row * row_bytes, 2);
}

/// Transposes the words of one block of every row.
static void pack_words(const uint8_t *block, size_t row_bytes, int64_t rows, int words, uint8_t *vectors) {
    for (int64_t row = 0; row < rows; ++row) {
        const uint8_t *from = block + (size_t)row * row_bytes;
        uint8_t *to = vectors + 4 * row;
        for (int word = 0; word < words; ++word) memcpy(to + word * PL_WORD_BYTES, from + 4 * word, 4);
    }
}

static void pack_tile(const pl_layout *layout, int64_t blocks, int64_t rows, const uint8_t *from, uint8_t *tile) {
    size_t row_bytes = (size_t)blocks * layout->block_bytes;
    if (rows < PL_TILE_ROWS || layout->fields == 1) memset(tile, 0, pl_tile_bytes(layout, blocks));
    for (int64_t i = 0; i < blocks; ++i) {
        const uint8_t *block = from + (size_t)i * layout->block_bytes;
        uint8_t *fields = tile + pl_tile_field(layout->fields, layout->words, i);
        for (int field = 0; field < layout->fields; ++field) {
            pack_field(block + layout->field[field], row_bytes, rows, fields + field * PL_FIELD_BYTES);
        }
        uint8_t *words = tile + pl_tile_words(layout->fields, layout->words, i);
        pack_words(block + layout->word, row_bytes, rows, layout->words, words);
    }
}

size_t pl_matrix_bytes(pl_type type, int64_t rows, int64_t cols) {
    const pl_layout *layout = pl_layout_of(type);
    size_t tiles = (size_t)pl_groups(rows, PL_TILE_ROWS);
    if (pl_type_is_float(type)) return tiles * PL_TILE_ROWS * (size_t)cols * layout->block_bytes;
    return tiles * pl_tile_bytes(layout, cols / layout->block_length);
}

void pl_matrix_pack(const pl_matrix *matrix, const void *blocks, int64_t tile_begin, int64_t tile_end) {
    const pl_layout *layout = pl_layout_of(matrix->type);
    int64_t per_row = matrix->cols / layout->block_length;
    size_t row_bytes = (size_t)per_row * layout->block_bytes;
    size_t tile_bytes = pl_matrix_bytes(matrix->type, PL_TILE_ROWS, matrix->cols);
    for (int64_t tile = tile_begin; tile < tile_end; ++tile) {
        int64_t first = tile * PL_TILE_ROWS;
        int64_t rows = pl_smaller(matrix->rows - first, PL_TILE_ROWS);
        const uint8_t *from = (const uint8_t *)blocks + (size_t)first * row_bytes;
        uint8_t *to = (uint8_t *)matrix->data + (size_t)tile * tile_bytes;
        if (!pl_type_is_float(matrix->type)) {
            pack_tile(layout, per_row, rows, from, to);
            continue;
        }
        if (pl_uses_panels(matrix->type)) {
            pl_pack_panel_tile(matrix, from, tile);
            continue;
        }
        // The tiles for OpenBLAS stay row-major: sgemm takes a panel of them as it is.
        memcpy(to, from, (size_t)rows * row_bytes);
        memset(to + (size_t)rows * row_bytes, 0, (size_t)(PL_TILE_ROWS - rows) * row_bytes);
    }
}

/// Whether any of `count` 16-bit numbers, `stride` bytes apart, has all bits of its exponent set.
PL_INLINE int any_not_finite(const uint8_t *numbers, int64_t count, size_t stride, uint16_t exponent) {
    int found = 0;
    for (int64_t i = 0; i < count; ++i) {
        uint16_t bits;
        memcpy(&bits, numbers + (size_t)i * stride, sizeof bits);
        found |= (bits & exponent) == exponent;
    }
    return found;
}

/// The exponent of a float32 is in its upper half. The weights of a block are finite if its factors are.
static int row_not_finite(const pl_layout *layout, pl_type type, const uint8_t *row, int64_t blocks) {
    enum { HALF_EXPONENT = 0x7c00, FLOAT_EXPONENT = 0x7f80 };
    if (type == PL_TYPE_F32) return any_not_finite(row + 2, blocks, 4, FLOAT_EXPONENT);
    if (type == PL_TYPE_BF16) return any_not_finite(row, blocks, 2, FLOAT_EXPONENT);
    if (type == PL_TYPE_F16) return any_not_finite(row, blocks, 2, HALF_EXPONENT);
    for (int field = 0; field < layout->fields - layout->codes; ++field) {
        if (any_not_finite(row + layout->field[field], blocks, layout->block_bytes, HALF_EXPONENT)) return 1;
    }
    return 0;
}

int64_t pl_matrix_first_not_finite(const pl_matrix *matrix, const void *blocks, int64_t row_begin, int64_t row_end) {
    const pl_layout *layout = pl_layout_of(matrix->type);
    const int64_t per_row = matrix->cols / layout->block_length;
    const size_t row_bytes = (size_t)per_row * layout->block_bytes;
    for (int64_t row = row_begin; row < row_end; ++row) {
        const uint8_t *from = (const uint8_t *)blocks + (size_t)row * row_bytes;
        if (row_not_finite(layout, matrix->type, from, per_row)) return row;
    }
    return row_end;
}
