#include <string.h>

#include "quant/formats.h"

PL_INLINE void dequantise_block(pl_type type, const pl_layout *layout, const uint8_t *bytes, float *out) {
    pl_block block = {.words = bytes + layout->word, .word_stride = 4};
    memcpy(&block.field[0], bytes + layout->field[0], 2);
    if (layout->fields == 2) memcpy(&block.field[1], bytes + layout->field[1], 2);
    for (int s = 0; s < layout->block_length / 32; ++s) {
        for (int h = 0; h < 2; ++h) {
            float scale = pl_scale(type, block, s, h), minimum = pl_minimum(type, block, s, h);
            for (int k = 16 * h; k < 16 * h + 16; ++k) {
                float value = scale * (float)((int)pl_code(type, block, s, k) - layout->offset);
                out[32 * s + k] = pl_has_minimum(type) ? value + minimum : value;
            }
        }
    }
}

PL_INLINE void dequantise_blocks(pl_type type, const uint8_t *bytes, size_t count, float *out) {
    const pl_layout *layout = pl_layout_of(type);
    for (size_t i = 0; i < count; i += layout->block_length, bytes += layout->block_bytes) {
        dequantise_block(type, layout, bytes, out + i);
    }
}

static void widen(pl_type type, const uint8_t *bytes, size_t count, float *out) {
    for (size_t i = 0; i < count; ++i) {
        uint16_t bits;
        memcpy(&bits, bytes + 2 * i, 2);
        out[i] = type == PL_TYPE_F16 ? pl_half_value(bits) : pl_bfloat_value(bits);
    }
}

void pl_dequantise(pl_type type, const void *blocks, size_t count, float *out) {
    switch (type) {
    case PL_TYPE_F32: memcpy(out, blocks, count * sizeof(float)); break;
    case PL_TYPE_F16:
    case PL_TYPE_BF16:
        widen(type, blocks, count, out);
        break;
// The type is a constant in each case, so the compiler makes one straight loop for each format.
#define CASE(T) \
    case PL_TYPE_##T: dequantise_blocks(PL_TYPE_##T, blocks, count, out); break;
        PL_QUANTISED_TYPES(CASE)
#undef CASE
    }
}
