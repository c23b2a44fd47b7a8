#ifndef PACELINE_ATTENTION_INT8_H
#define PACELINE_ATTENTION_INT8_H

#include "attention/kernels.h"
#include "isa/plain.h"

// What int8 pages and the queries against them look like; see pl_kv_shape.

enum {
    PL_KV_BLOCK = 32,         ///< dimensions of a key or query that share a scale
    PL_KV_QUAD = 4,           ///< dimensions of a key, or slots of a value, that lie in one lane
    PL_KV_ZERO = 128,         ///< the code of zero
    PL_KV_CODE_LIMIT = 127,   ///< codes are at most this far from zero
    PL_WEIGHT_LIMIT = 32639,  ///< the largest weight, 127 * 256 + 127: two signed bytes
};

/// Where the largest product of weight and value scale in a chunk is below this, its values count as zero.
#define PL_WEIGHT_TINY 0x1p-100f

static inline int64_t pl_int8_blocks(int64_t dim) { return pl_groups(dim, PL_KV_BLOCK); }

/// Bytes of one (layer, KV head) of a page.
static inline int64_t pl_int8_head_bytes(int64_t dim) {
    return PL_PAGE_SLOTS * (2 * dim + 2 * pl_int8_blocks(dim) + 2);
}

/// One (layer, KV head) of a page.
typedef struct pl_int8_head {
    uint8_t *keys;
    uint16_t *key_scales;
    uint8_t *values;
    uint16_t *value_scales;
} pl_int8_head;

static inline pl_int8_head pl_int8_head_at(const void *page, pl_kv_shape shape, int64_t layer, int64_t kv_head) {
    uint8_t *keys = (uint8_t *)page + (layer * shape.kv_heads + kv_head) * pl_int8_head_bytes(shape.head_dim);
    uint8_t *scales = keys + PL_PAGE_SLOTS * shape.head_dim;
    uint8_t *values = scales + PL_PAGE_SLOTS * 2 * pl_int8_blocks(shape.head_dim);
    return (pl_int8_head){
        .keys = keys,
        .key_scales = (uint16_t *)scales,
        .values = values,
        .value_scales = (uint16_t *)(values + PL_PAGE_SLOTS * shape.head_dim),
    };
}

/// The part of a page that holds `slot` of a sequence.
static inline pl_int8_head pl_int8_head_of(
    const pl_attention_call *call, const pl_attention_row *row, int64_t kv_head, int64_t slot) {
    return pl_int8_head_at(row->pages[slot / PL_PAGE_SLOTS], call->shape, call->layer, kv_head);
}

/// A query in int8: `sums[b]` is the sum of the codes of block b; `scales[b]` has the attention's scale in it.
typedef struct pl_int8_query {
    const int8_t *codes;
    const float *scales;
    const int32_t *sums;
} pl_int8_query;

/// Bytes of a quantised query.
static inline int64_t pl_int8_query_bytes(int64_t dim) { return (dim + 8 * pl_int8_blocks(dim) + 63) / 64 * 64; }

static inline pl_int8_query pl_int8_query_at(const uint8_t *memory, int64_t dim) {
    const float *scales = (const float *)(memory + dim);
    return (pl_int8_query){
        .codes = (const int8_t *)memory,
        .scales = scales,
        .sums = (const int32_t *)(scales + pl_int8_blocks(dim)),
    };
}

/// Quantises a query: in each block, scale = largest magnitude / 127, and codes are nearest to element / scale. A block
/// with an element that is not finite has the scale NaN.
void pl_int8_quantise_query(const float *q, int64_t dim, float attention_scale, uint8_t *memory);

#endif
