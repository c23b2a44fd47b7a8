#ifndef PACELINE_QUANT_LAYOUT_H
#define PACELINE_QUANT_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#include "paceline/matmul.h"
#include "paceline/quant.h"

/// Applies X to every quantised type.
#define PL_QUANTISED_TYPES(X) \
    X(Q4_0) X(Q4_1) X(Q5_0) X(Q5_1) X(Q8_0) X(Q2_K) X(Q3_K) X(Q4_K) X(Q5_K) X(Q6_K) X(IQ4_NL) X(IQ4_XS)

/// One more than the largest number of a type.
enum { PL_TYPE_LIMIT = PL_TYPE_BF16 + 1 };

/// How a type's blocks look in a file and in a tile.
///
/// A block of the file is one or two 16-bit fields (scales) and a run of 32-bit words. A tile holds the blocks of 16
/// rows side by side, one lane per row. Each 16-bit field becomes a vector of 16 halves, each word a vector of 16
/// words. So a tile has exactly the file's bytes, every load of a kernel is a whole aligned vector, and repacking is a
/// transposition.
///
/// With two fields the block of a tile is [field 0][field 1][words]. With one field two blocks share their first cache
/// line: [field of block 2i][field of block 2i + 1][words of 2i][words of 2i + 1].
typedef struct pl_layout {
    const char *name;
    uint16_t block_length;  ///< weights
    uint16_t block_bytes;   ///< in the file
    uint16_t fields;        ///< 16-bit fields
    uint16_t field[2];      ///< their offsets in the file's block
    uint16_t word;          ///< offset of the words in the file's block
    uint16_t words;
    int16_t offset;  ///< subtracted from a stored code; 0 where the format has minimums instead
    uint16_t codes;  ///< how many of the fields, the last ones, hold codes instead of a float16
} pl_layout;

/// In the header, so that kernels that are compiled for one type see constants.
static const pl_layout pl_layouts[PL_TYPE_LIMIT] = {
    [PL_TYPE_F32] = { .name = "F32", .block_length = 1, .block_bytes = 4 },
    [PL_TYPE_F16] = { .name = "F16", .block_length = 1, .block_bytes = 2 },
    [PL_TYPE_BF16] = { .name = "BF16", .block_length = 1, .block_bytes = 2 },
    [PL_TYPE_Q4_0] = { "Q4_0", 32, 18, .fields = 1, .field = { 0 }, .word = 2, .words = 4, .offset = 8 },
    [PL_TYPE_Q4_1] = { "Q4_1", 32, 20, .fields = 2, .field = { 0, 2 }, .word = 4, .words = 4 },
    [PL_TYPE_Q5_0] = { "Q5_0", 32, 22, .fields = 1, .field = { 0 }, .word = 2, .words = 5, .offset = 16 },
    [PL_TYPE_Q5_1] = { "Q5_1", 32, 24, .fields = 2, .field = { 0, 2 }, .word = 4, .words = 5 },
    [PL_TYPE_Q8_0] = { "Q8_0", 32, 34, .fields = 1, .field = { 0 }, .word = 2, .words = 8, .offset = 128 },
    [PL_TYPE_Q2_K] = { "Q2_K", 256, 84, .fields = 2, .field = { 80, 82 }, .word = 0, .words = 20 },
    [PL_TYPE_Q3_K] = { "Q3_K", 256, 110, .fields = 1, .field = { 108 }, .word = 0, .words = 27, .offset = 4 },
    [PL_TYPE_Q4_K] = { "Q4_K", 256, 144, .fields = 2, .field = { 0, 2 }, .word = 4, .words = 35 },
    [PL_TYPE_Q5_K] = { "Q5_K", 256, 176, .fields = 2, .field = { 0, 2 }, .word = 4, .words = 43 },
    [PL_TYPE_Q6_K] = { "Q6_K", 256, 210, .fields = 1, .field = { 208 }, .word = 0, .words = 52, .offset = 32 },
    [PL_TYPE_IQ4_NL] = { "IQ4_NL", 32, 18, .fields = 1, .field = { 0 }, .word = 2, .words = 4, .offset = 128 },
    [PL_TYPE_IQ4_XS] = {
        "IQ4_XS", 256, 136, .fields = 2, .field = { 0, 2 }, .word = 4, .words = 33, .offset = 128, .codes = 1,
    },
};

/// NULL for an unknown type.
static inline const pl_layout *pl_layout_of(uint32_t type) {
    return type < PL_TYPE_LIMIT && pl_layouts[type].name ? &pl_layouts[type] : NULL;
}

static inline int pl_type_is_float(pl_type type) {
    return type == PL_TYPE_F32 || type == PL_TYPE_F16 || type == PL_TYPE_BF16;
}

/// Whether weights of a float type are multiplied by kernels of our own instead of by OpenBLAS.
static inline int pl_uses_panels(pl_type type) { return type == PL_TYPE_F16 || type == PL_TYPE_BF16; }

enum { PL_FIELD_BYTES = 2 * PL_TILE_ROWS, PL_WORD_BYTES = 4 * PL_TILE_ROWS };

/// Bytes of a tile with `blocks` blocks per row.
static inline size_t pl_tile_bytes(const pl_layout *layout, int64_t blocks) {
    size_t words = (size_t)layout->words * PL_WORD_BYTES;
    if (layout->fields == 2) return (size_t)blocks * (2 * PL_FIELD_BYTES + words);
    return (size_t)((blocks + 1) / 2) * 2 * PL_FIELD_BYTES + (size_t)blocks * words;
}

/// Offset of field 0 of block `block` in a tile. Field 1 is PL_FIELD_BYTES later.
static inline size_t pl_tile_field(int fields, int words, int64_t block) {
    size_t bytes = (size_t)words * PL_WORD_BYTES;
    if (fields == 2) return (size_t)block * (2 * PL_FIELD_BYTES + bytes);
    return (size_t)(block / 2) * (2 * PL_FIELD_BYTES + 2 * bytes) + (size_t)(block & 1) * PL_FIELD_BYTES;
}

/// Offset of the words of block `block` in a tile.
static inline size_t pl_tile_words(int fields, int words, int64_t block) {
    size_t bytes = (size_t)words * PL_WORD_BYTES;
    if (fields == 2) return (size_t)block * (2 * PL_FIELD_BYTES + bytes) + 2 * PL_FIELD_BYTES;
    return (size_t)(block / 2) * (2 * PL_FIELD_BYTES + 2 * bytes) + 2 * PL_FIELD_BYTES + (size_t)(block & 1) * bytes;
}

#endif
