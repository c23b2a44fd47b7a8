#ifndef PACELINE_ATTENTION_KERNELS_H
#define PACELINE_ATTENTION_KERNELS_H

#include "paceline/attention.h"

enum {
    PL_TILE_SLOTS = 16,        ///< slots of a key tile: a lane owns a slot
    PL_ATTENTION_QUERIES = 6,  ///< queries that share each load of a key or value
};

/// The arguments of one call of pl_attention.
typedef struct pl_attention_call {
    pl_kv_shape shape;
    int64_t layer;
    int64_t heads;
    float scale;
    int64_t window;
    const pl_attention_row *rows;
    const float *q;
    int64_t q_stride;
    float *out;
    int64_t out_stride;
    const uint8_t *int8_queries;  ///< where pages are int8, the quantised queries: (row, head) x pl_int8_query_bytes
} pl_attention_call;

/// The softmax of one query over one or several chunks: the largest score, the sum of exp(score - largest), and the
/// values summed with those weights.
typedef struct pl_partial {
    float largest;
    float sum;
    float *values;  ///< (head_dim)
} pl_partial;

/// A few queries of one KV head: query i is head (kv_head * group + (first + i) % group) of row (row + (first + i) /
/// group), group = heads / kv_heads. All of its rows have the same pages.
typedef struct pl_attention_block {
    int64_t row;
    int64_t kv_head;
    int64_t first;
    int count;  ///< 1 ... PL_ATTENTION_QUERIES
} pl_attention_block;

/// What an instruction set has: either all of attention in one, or its parts.
typedef struct pl_attention_kernels {
    /// The whole attention of one query: what the scalar twin has, which defines the bits.
    void (*whole)(const pl_attention_call *call, int64_t row, int64_t head);
    /// partials[i] = the softmax of query i of the block over chunk `chunk`, for queries with a position in it. By type
    /// of the pages.
    void (*chunk[2])(
        const pl_attention_call *call, const pl_attention_block *block, int64_t chunk, pl_partial *partials);
    /// Adds the partial of the next chunk to `total`.
    void (*combine)(pl_partial *total, const pl_partial *next, int64_t head_dim);
    /// out = values / sum.
    void (*finish)(const pl_partial *total, float *out, int64_t head_dim);
} pl_attention_kernels;

extern const pl_attention_kernels pl_attention_scalar, pl_attention_avx2, pl_attention_avx512, pl_attention_neon;

/// float16 pages: elements between the keys of one (layer, KV head) of a page and the beginning of the page.
static inline int64_t pl_key_offset(pl_kv_shape shape, int64_t layer, int64_t kv_head) {
    return (layer * shape.kv_heads + kv_head) * PL_PAGE_SLOTS * shape.head_dim;
}

/// The same for values.
static inline int64_t pl_value_offset(pl_kv_shape shape, int64_t layer, int64_t kv_head) {
    return shape.layers * shape.kv_heads * PL_PAGE_SLOTS * shape.head_dim + pl_key_offset(shape, layer, kv_head);
}

/// The key tile (dim x 16) that holds `slot` of a sequence.
static inline const uint16_t *pl_key_tile(
    const pl_attention_call *call, const pl_attention_row *row, int64_t kv_head, int64_t slot) {
    int64_t tile = slot % PL_PAGE_SLOTS / PL_TILE_SLOTS;
    return (const uint16_t *)row->pages[slot / PL_PAGE_SLOTS] + pl_key_offset(call->shape, call->layer, kv_head)
        + tile * PL_TILE_SLOTS * call->shape.head_dim;
}

/// The value (head_dim) in `slot` of a sequence.
static inline const uint16_t *pl_value_row(
    const pl_attention_call *call, const pl_attention_row *row, int64_t kv_head, int64_t slot) {
    return (const uint16_t *)row->pages[slot / PL_PAGE_SLOTS] + pl_value_offset(call->shape, call->layer, kv_head)
        + slot % PL_PAGE_SLOTS * call->shape.head_dim;
}

/// The slot at logical position `position` of a row.
static inline int64_t pl_logical_slot(const pl_attention_row *row, int64_t position) {
    return position < row->base ? position : row->path[position - row->base];
}

static inline int64_t pl_row_end(const pl_attention_row *row) { return row->base + row->path_count; }

/// The first logical position that a row attends to.
static inline int64_t pl_row_begin(const pl_attention_call *call, const pl_attention_row *row) {
    int64_t end = pl_row_end(row);
    return call->window > 0 && end > call->window ? end - call->window : 0;
}

static inline const float *pl_query(const pl_attention_call *call, int64_t row, int64_t head) {
    return call->q + row * call->q_stride + head * call->shape.head_dim;
}

static inline float *pl_output(const pl_attention_call *call, int64_t row, int64_t head) {
    return call->out + row * call->out_stride + head * call->shape.head_dim;
}

#endif
