#ifndef PACELINE_QUANT_FORMATS_H
#define PACELINE_QUANT_FORMATS_H

#include <stdint.h>

#include "isa/plain.h"
#include "quant/half.h"
#include "quant/layout.h"

/// The quantised formats, defined once in plain C: what the code, scale and minimum of a weight are. Dequantisation and
/// the scalar matmul are written on these; the SIMD kernels must agree with them.
///
/// A weight of sub-block `s` (32 weights) and half `h` (16 of them) is scale(s, h) * (code - layout.offset) -
/// minimum(s, h). Q4_1 and Q5_1 add their minimum instead.

/// One row of one block, in a file or in a tile: its 16-bit fields and its words.
typedef struct pl_block {
    uint16_t field[2];
    const uint8_t *words;
    size_t word_stride;  ///< bytes from one word to the next: 4 in a file, PL_WORD_BYTES in a tile
} pl_block;

/// Byte `index` of the words, counted as in the file.
PL_INLINE uint32_t pl_byte(pl_block block, int index) {
    return block.words[(size_t)(index >> 2) * block.word_stride + (index & 3)];
}

static const int8_t pl_iq4_values[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

/// The code (an unsigned byte) of weight `k` (0 ..< 32) in sub-block `s`.
PL_INLINE uint32_t pl_code(pl_type type, pl_block block, int s, int k) {
    // Nibbles of 32-blocks: bytes 0..<16 hold weights 0..<16 low and 16..<32 high. Of 256-blocks: sub-blocks in pairs.
    int nibble32 = k & 15, high32 = k >> 4;
    switch (type) {
    case PL_TYPE_Q4_0:
    case PL_TYPE_Q4_1: return pl_byte(block, nibble32) >> 4 * high32 & 15;
    case PL_TYPE_Q5_0:
    case PL_TYPE_Q5_1:
        return (pl_byte(block, 4 + nibble32) >> 4 * high32 & 15) | (pl_byte(block, k >> 3) >> (k & 7) & 1) << 4;
    case PL_TYPE_Q8_0: return pl_byte(block, k) ^ 0x80;
    case PL_TYPE_Q2_K: return pl_byte(block, 16 + 32 * (s >> 2) + k) >> 2 * (s & 3) & 3;
    case PL_TYPE_Q3_K:
        return (pl_byte(block, 32 + 32 * (s >> 2) + k) >> 2 * (s & 3) & 3) | (pl_byte(block, k) >> s & 1) << 2;
    case PL_TYPE_Q4_K: return pl_byte(block, 12 + 32 * (s >> 1) + k) >> 4 * (s & 1) & 15;
    case PL_TYPE_Q5_K:
        return (pl_byte(block, 44 + 32 * (s >> 1) + k) >> 4 * (s & 1) & 15) | (pl_byte(block, 12 + k) >> s & 1) << 4;
    case PL_TYPE_Q6_K:
        return (pl_byte(block, 64 * (s >> 2) + 32 * (s & 1) + k) >> 4 * (s >> 1 & 1) & 15)
            | (pl_byte(block, 128 + 32 * (s >> 2) + k) >> 2 * (s & 3) & 3) << 4;
    case PL_TYPE_IQ4_NL: return (uint32_t)(pl_iq4_values[pl_byte(block, nibble32) >> 4 * high32 & 15] + 128);
    case PL_TYPE_IQ4_XS:
        return (uint32_t)(pl_iq4_values[pl_byte(block, 4 + 16 * s + nibble32) >> 4 * high32 & 15] + 128);
    default: return 0;
    }
}

/// The six-bit scale (`minimum` = 0) or minimum (1) of sub-block `s` of Q4_K and Q5_K.
PL_INLINE int pl_scale_six(pl_block block, int s, int minimum) {
    if (s < 4) return (int)(pl_byte(block, 4 * minimum + s) & 63);
    uint32_t low = pl_byte(block, 4 + s) >> 4 * minimum & 15;
    return (int)(low | (pl_byte(block, 4 * minimum + s - 4) >> 6) << 4);
}

/// The integer scale of half `h` of sub-block `s`; 1 where the block's half-precision field is the whole scale.
PL_INLINE int pl_scale_integer(pl_type type, pl_block block, int s, int h) {
    int sixteen = 2 * s + h;
    switch (type) {
    case PL_TYPE_Q2_K: return (int)(pl_byte(block, sixteen) & 15);
    case PL_TYPE_Q3_K: {
        uint32_t low = pl_byte(block, 96 + (sixteen & 7)) >> 4 * (sixteen >> 3) & 15;
        return (int)(low | (pl_byte(block, 104 + (sixteen & 3)) >> 2 * (sixteen >> 2) & 3) << 4) - 32;
    }
    case PL_TYPE_Q4_K:
    case PL_TYPE_Q5_K: return pl_scale_six(block, s, 0);
    case PL_TYPE_Q6_K: return (int8_t)pl_byte(block, 192 + sixteen);
    case PL_TYPE_IQ4_XS:
        return (int)((pl_byte(block, s >> 1) >> 4 * (s & 1) & 15) | (block.field[1] >> 2 * s & 3u) << 4) - 32;
    default: return 1;
    }
}

/// The scale of half `h` of sub-block `s`. The product is exact: 11 bits by 8.
PL_INLINE float pl_scale(pl_type type, pl_block block, int s, int h) {
    return pl_half_value(block.field[0]) * (float)pl_scale_integer(type, block, s, h);
}

PL_INLINE int pl_has_minimum(pl_type type) {
    return type == PL_TYPE_Q4_1 || type == PL_TYPE_Q5_1 || type == PL_TYPE_Q2_K || type == PL_TYPE_Q4_K
        || type == PL_TYPE_Q5_K;
}

/// 2 where each 16 weights have a scale of their own, else 1.
PL_INLINE int pl_halves(pl_type type) {
    return type == PL_TYPE_Q2_K || type == PL_TYPE_Q3_K || type == PL_TYPE_Q6_K ? 2 : 1;
}

/// What is added to scale * code for half `h` of sub-block `s`: exact, like the scale.
PL_INLINE float pl_minimum(pl_type type, pl_block block, int s, int h) {
    float field = pl_half_value(block.field[1]);
    switch (type) {
    case PL_TYPE_Q4_1:
    case PL_TYPE_Q5_1: return field;
    case PL_TYPE_Q2_K: return -(field * (float)(pl_byte(block, 2 * s + h) >> 4));
    case PL_TYPE_Q4_K:
    case PL_TYPE_Q5_K: return -(field * (float)pl_scale_six(block, s, 1));
    default: return 0;
    }
}

#endif
