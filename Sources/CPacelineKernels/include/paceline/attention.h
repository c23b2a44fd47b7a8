#ifndef PACELINE_ATTENTION_H
#define PACELINE_ATTENTION_H

#include <stddef.h>
#include <stdint.h>

#include "paceline/cpu.h"
#include "paceline/pool.h"

enum {
    PL_PAGE_SLOTS = 64,          ///< slots (token positions) of one KV page
    PL_HEAD_DIM_LIMIT = 512,     ///< the largest head dimension
    PL_QUERY_GROUP_LIMIT = 128,  ///< the most heads that share one KV head
};

/// How keys and values are stored. It is part of a model's numbers, as the type of its weights is.
typedef enum pl_kv_type {
    PL_KV_F16,
    PL_KV_INT8,
} pl_kv_type;

/// The shape of a KV cache. A page holds PL_PAGE_SLOTS slots of every layer and KV head.
///
/// PL_KV_F16: keys as [layer][kv_head][slot / 16][dim][slot % 16] (a lane owns a slot), then values as
/// [layer][kv_head][slot][dim], all float16.
///
/// PL_KV_INT8: for every [layer][kv_head], one after the other,
///   keys          [slot / 16][dim / 4][slot % 16][dim % 4]  bytes: code + 128
///   key scales    [slot / 16][dim / 32][slot % 16]          float16; dim / 32 rounds up
///   values        [slot / 4][dim][slot % 4]                 bytes: code + 128
///   value scales  [slot]                                    float16
/// A key has a scale for every 32 dimensions, a value one for all; codes are -127 ... 127. The scale is the largest
/// magnitude / 127, rounded to float16; a code is the element / scale, rounded to the nearest integer (ties to even).
/// Where a key or value holds something that is not finite, or too large for that, all key scales of its slot are NaN.
typedef struct pl_kv_shape {
    int64_t layers;
    int64_t kv_heads;
    int64_t head_dim;  ///< a multiple of 16, at most PL_HEAD_DIM_LIMIT
    pl_kv_type type;
} pl_kv_shape;

/// Bytes of one page.
size_t pl_kv_page_bytes(pl_kv_shape shape);

/// Stores the key and value (kv_heads x head_dim floats each) of one token in `slot` (0 ..< PL_PAGE_SLOTS) of a page.
void pl_kv_store(
    pl_isa isa, pl_kv_shape shape, int64_t layer, void *page, int64_t slot, const float *key, const float *value);

/// Copies one slot, all layers, between pages (which may be the same).
void pl_kv_copy_slot(pl_kv_shape shape, void *to_page, int64_t to_slot, const void *from_page, int64_t from_slot);

/// One query row of a pass. It attends to the `base` first slots of its sequence, then to the slots listed in `path`.
///
/// Slot s of the sequence is slot s % PL_PAGE_SLOTS of pages[s / PL_PAGE_SLOTS]. Logical order is 0 ..< base, then the
/// path in order; results depend on the values in logical order only, not on where the slots lie.
typedef struct pl_attention_row {
    const void *const *pages;
    int64_t base;
    const int32_t *path;
    int64_t path_count;
} pl_attention_row;

/// Grouped-query attention of `count` rows in one layer, scaled by `scale`. Float16 pages take float32 arithmetic, int8
/// pages integer dot products (see attention/scalar.c for both).
///
/// q and out are (count x heads x head_dim) with row strides. Logical positions are taken in chunks of
/// PL_ATTENTION_CHUNK. Each chunk yields a partial softmax, and the partials are combined in order. So chunks can run
/// on any thread without changing a bit. `window` > 0 limits a row to its last `window` logical positions (sliding
/// window). A row without positions gives zeros. `heads` is a multiple of `kv_heads`, at most PL_QUERY_GROUP_LIMIT
/// times as many. Neighbouring rows that name the same `pages` share the loads of keys and values.
enum { PL_ATTENTION_CHUNK = 256 };
void pl_attention(
    pl_isa isa, pl_pool *pool, pl_kv_shape shape, int64_t layer, int64_t heads, float scale, int64_t window,
    const pl_attention_row *rows, int64_t count, const float *q, int64_t q_stride, float *out, int64_t out_stride);

#endif
