#include <string.h>

#include "attention_kernels.h"
#include "paceline/elementwise.h"

size_t pl_kv_page_bytes(pl_kv_shape shape) {
    return (size_t)(2 * shape.layers * shape.kv_heads * PL_PAGE_SLOTS * shape.head_dim) * sizeof(uint16_t);
}

/// Where element 0 of the key in `slot` lies, relative to the keys of its layer and head; elements are 16 apart.
static int64_t key_start(pl_kv_shape shape, int64_t slot) {
    return slot / PL_TILE_SLOTS * PL_TILE_SLOTS * shape.head_dim + slot % PL_TILE_SLOTS;
}

void pl_kv_store(
    pl_isa isa, pl_kv_shape shape, int64_t layer, uint16_t *page, int64_t slot, const float *key, const float *value) {
    uint16_t half[PL_HEAD_DIM_LIMIT];
    for (int64_t head = 0; head < shape.kv_heads; head++) {
        pl_to_half(isa, key + head * shape.head_dim, half, shape.head_dim);
        uint16_t *to = page + pl_key_offset(shape, layer, head) + key_start(shape, slot);
        for (int64_t d = 0; d < shape.head_dim; d++) to[d * PL_TILE_SLOTS] = half[d];
        uint16_t *to_value = page + pl_value_offset(shape, layer, head) + slot * shape.head_dim;
        pl_to_half(isa, value + head * shape.head_dim, to_value, shape.head_dim);
    }
}

void pl_kv_copy_slot(
    pl_kv_shape shape, uint16_t *to_page, int64_t to_slot, const uint16_t *from_page, int64_t from_slot) {
    int64_t dim = shape.head_dim;
    for (int64_t head = 0; head < shape.layers * shape.kv_heads; head++) {
        uint16_t *to = to_page + head * PL_PAGE_SLOTS * dim + key_start(shape, to_slot);
        const uint16_t *from = from_page + head * PL_PAGE_SLOTS * dim + key_start(shape, from_slot);
        for (int64_t d = 0; d < dim; d++) to[d * PL_TILE_SLOTS] = from[d * PL_TILE_SLOTS];
        int64_t values = pl_value_offset(shape, 0, 0) + head * PL_PAGE_SLOTS * dim;
        memmove(to_page + values + to_slot * dim, from_page + values + from_slot * dim, (size_t)dim * sizeof(uint16_t));
    }
}
