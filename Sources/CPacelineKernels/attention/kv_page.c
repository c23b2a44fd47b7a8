#include <string.h>

#include "attention/int8.h"
#include "elementwise/math_scalar.h"
#include "paceline/elementwise.h"
#include "quant/half.h"

// MARK: float16

/// Where element 0 of the key in `slot` lies, relative to the keys of its layer and head; elements are 16 apart.
static int64_t key_start(pl_kv_shape shape, int64_t slot) {
    return slot / PL_TILE_SLOTS * PL_TILE_SLOTS * shape.head_dim + slot % PL_TILE_SLOTS;
}

static void store_half(
    pl_isa isa, pl_kv_shape shape, int64_t layer, uint16_t *page, int64_t slot, const float *key, const float *value) {
    uint16_t half[PL_HEAD_DIM_LIMIT];
    for (int64_t head = 0; head < shape.kv_heads; ++head) {
        pl_to_half(isa, key + head * shape.head_dim, half, shape.head_dim);
        uint16_t *to = page + pl_key_offset(shape, layer, head) + key_start(shape, slot);
        for (int64_t d = 0; d < shape.head_dim; ++d) to[d * PL_TILE_SLOTS] = half[d];
        uint16_t *to_value = page + pl_value_offset(shape, layer, head) + slot * shape.head_dim;
        pl_to_half(isa, value + head * shape.head_dim, to_value, shape.head_dim);
    }
}

static void copy_half(
    pl_kv_shape shape, uint16_t *to_page, int64_t to_slot, const uint16_t *from_page, int64_t from_slot) {
    int64_t dim = shape.head_dim;
    for (int64_t head = 0; head < shape.layers * shape.kv_heads; ++head) {
        uint16_t *to = to_page + head * PL_PAGE_SLOTS * dim + key_start(shape, to_slot);
        const uint16_t *from = from_page + head * PL_PAGE_SLOTS * dim + key_start(shape, from_slot);
        for (int64_t d = 0; d < dim; ++d) to[d * PL_TILE_SLOTS] = from[d * PL_TILE_SLOTS];
        int64_t values = pl_value_offset(shape, 0, 0) + head * PL_PAGE_SLOTS * dim;
        memmove(to_page + values + to_slot * dim, from_page + values + from_slot * dim, (size_t)dim * sizeof(uint16_t));
    }
}

// MARK: int8

enum { NAN_HALF = 0x7e00, INFINITE_HALF = 0x7c00 };

/// The code of x / scale.
static int32_t code_of(float x, float inverse) {
    float code = x * inverse;
    code = code < PL_KV_CODE_LIMIT ? code : PL_KV_CODE_LIMIT;
    code = code > -PL_KV_CODE_LIMIT ? code : -PL_KV_CODE_LIMIT;
    return pl_round_to_even(code);
}

/// Writes code + 128 of `count` elements and returns their scale as float16: NaN if it would not be finite.
static uint16_t quantise(const float *x, int64_t count, uint8_t *codes) {
    uint32_t largest = pl_largest_magnitude_bits(x, count);
    float scale = pl_from_bits(largest) / PL_KV_CODE_LIMIT;
    uint16_t half;
    pl_to_half(PL_ISA_SCALAR, &scale, &half, 1);
    memset(codes, PL_KV_ZERO, (size_t)count);
    if (largest >= PL_INFINITE_BITS || half >= INFINITE_HALF) return NAN_HALF;
    if (half == 0) return 0;
    float inverse = 1 / pl_half_value(half);
    for (int64_t i = 0; i < count; ++i) codes[i] = (uint8_t)(code_of(x[i], inverse) + PL_KV_ZERO);
    return half;
}

static uint8_t *key_place(pl_int8_head head, int64_t dim, int64_t slot) {
    return head.keys + slot / PL_TILE_SLOTS * PL_TILE_SLOTS * dim + slot % PL_TILE_SLOTS * PL_KV_QUAD;
}

static uint16_t *key_scale_place(pl_int8_head head, int64_t blocks, int64_t slot) {
    return head.key_scales + slot / PL_TILE_SLOTS * PL_TILE_SLOTS * blocks + slot % PL_TILE_SLOTS;
}

static uint8_t *value_place(pl_int8_head head, int64_t dim, int64_t slot) {
    return head.values + slot / PL_KV_QUAD * PL_KV_QUAD * dim + slot % PL_KV_QUAD;
}

static void store_int8_head(pl_int8_head head, int64_t dim, int64_t slot, const float *key, const float *value) {
    uint8_t codes[PL_HEAD_DIM_LIMIT];
    int64_t blocks = pl_int8_blocks(dim);
    uint16_t scale = quantise(value, dim, codes);
    uint8_t *values = value_place(head, dim, slot);
    for (int64_t d = 0; d < dim; ++d) values[d * PL_KV_QUAD] = codes[d];
    int is_finite = scale != NAN_HALF;
    head.value_scales[slot] = is_finite ? scale : 0;
    uint8_t *keys = key_place(head, dim, slot);
    uint16_t *scales = key_scale_place(head, blocks, slot);
    for (int64_t block = 0; block < blocks; ++block) {
        int64_t from = block * PL_KV_BLOCK, count = pl_smaller(dim - from, PL_KV_BLOCK);
        scales[block * PL_TILE_SLOTS] = quantise(key + from, count, codes + from);
        is_finite &= scales[block * PL_TILE_SLOTS] != NAN_HALF;
    }
    for (int64_t d = 0; d < dim; d += PL_KV_QUAD) memcpy(keys + d * PL_TILE_SLOTS, codes + d, PL_KV_QUAD);
    for (int64_t block = 0; block < blocks && !is_finite; ++block) scales[block * PL_TILE_SLOTS] = NAN_HALF;
}

static void copy_int8_head(pl_int8_head to, int64_t to_slot, pl_int8_head from, int64_t from_slot, int64_t dim) {
    int64_t blocks = pl_int8_blocks(dim);
    uint8_t *keys = key_place(to, dim, to_slot), *values = value_place(to, dim, to_slot);
    const uint8_t *from_keys = key_place(from, dim, from_slot), *from_values = value_place(from, dim, from_slot);
    for (int64_t d = 0; d < dim; ++d) values[d * PL_KV_QUAD] = from_values[d * PL_KV_QUAD];
    for (int64_t d = 0; d < dim; d += PL_KV_QUAD) {
        memmove(keys + d * PL_TILE_SLOTS, from_keys + d * PL_TILE_SLOTS, PL_KV_QUAD);
    }
    uint16_t *scales = key_scale_place(to, blocks, to_slot);
    const uint16_t *from_scales = key_scale_place(from, blocks, from_slot);
    for (int64_t block = 0; block < blocks * PL_TILE_SLOTS; block += PL_TILE_SLOTS) scales[block] = from_scales[block];
    to.value_scales[to_slot] = from.value_scales[from_slot];
}

void pl_int8_quantise_query(const float *q, int64_t dim, float attention_scale, uint8_t *memory) {
    int64_t blocks = pl_int8_blocks(dim);
    int8_t *codes = (int8_t *)memory;
    float *scales = (float *)(memory + dim);
    int32_t *sums = (int32_t *)(scales + blocks);
    for (int64_t block = 0; block < blocks; ++block) {
        int64_t from = block * PL_KV_BLOCK, to = pl_smaller(from + PL_KV_BLOCK, dim);
        uint32_t largest = pl_largest_magnitude_bits(q + from, to - from);
        float scale = pl_from_bits(largest) / PL_KV_CODE_LIMIT;
        int is_sound = largest < PL_INFINITE_BITS && scale > 0x1p-100f;
        float inverse = is_sound ? 1 / scale : 0;
        scales[block] = largest >= PL_INFINITE_BITS ? PL_NAN : is_sound ? scale * attention_scale : 0;
        int32_t sum = 0;
        for (int64_t d = from; d < to; ++d) {
            int32_t code = is_sound ? code_of(q[d], inverse) : 0;
            codes[d] = (int8_t)code;
            sum += code;
        }
        sums[block] = sum;
    }
}

// MARK: Pages of either type

size_t pl_kv_page_bytes(pl_kv_shape shape) {
    int64_t heads = shape.layers * shape.kv_heads;
    if (shape.type == PL_KV_INT8) return (size_t)(heads * pl_int8_head_bytes(shape.head_dim));
    return (size_t)(2 * heads * PL_PAGE_SLOTS * shape.head_dim) * sizeof(uint16_t);
}

void pl_kv_store(
    pl_isa isa, pl_kv_shape shape, int64_t layer, void *page, int64_t slot, const float *key, const float *value) {
    if (shape.type == PL_KV_F16) {
        store_half(isa, shape, layer, page, slot, key, value);
        return;
    }
    for (int64_t head = 0; head < shape.kv_heads; ++head) {
        int64_t offset = head * shape.head_dim;
        pl_int8_head place = pl_int8_head_at(page, shape, layer, head);
        store_int8_head(place, shape.head_dim, slot, key + offset, value + offset);
    }
}

void pl_kv_copy_slot(pl_kv_shape shape, void *to_page, int64_t to_slot, const void *from_page, int64_t from_slot) {
    if (shape.type == PL_KV_F16) {
        copy_half(shape, to_page, to_slot, from_page, from_slot);
        return;
    }
    for (int64_t head = 0; head < shape.layers * shape.kv_heads; ++head) {
        pl_int8_head to = pl_int8_head_at(to_page, shape, 0, head), from = pl_int8_head_at(from_page, shape, 0, head);
        copy_int8_head(to, to_slot, from, from_slot, shape.head_dim);
    }
}
