#if defined(__aarch64__)
#include "isa/neon.h"

#include "quant/layout.h"
#include "tuning.h"

/// Both sides of a dot product are signed. Codes of up to six bits work as they are, and their offset goes into the
/// initial value. Codes of eight bits are made signed here and have no offset left.
#define DOT_TAKES_BYTES 0
#define CODE_OFFSET(type) (pl_layouts[type].offset == 128 ? 0 : pl_layouts[type].offset)

INLINE int8x16_t signed_codes(pl_type type, vi code) {
    return vreinterpretq_s8_s32(pl_layouts[type].offset == 128 ? vi_xor(code, vi_set1((int32_t)0x80808080)) : code);
}

/// One load brings four operands' activations of a row: each instruction picks its own out of them.
INLINE void add_dots(pl_type type, int rows, const vi *code, int first, int last, const int8_t *activations, vi *dot) {
#pragma clang loop unroll(full)
    for (int j = first; j < last; j += 4) {
        const int8x16_t code0 = signed_codes(type, code[j]), code1 = signed_codes(type, code[j + 1]);
        const int8x16_t code2 = signed_codes(type, code[j + 2]), code3 = signed_codes(type, code[j + 3]);
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; ++r) {
            const int8x16_t four = vld1q_s8(activations + 32 * r + 4 * j);
            vi sum = dot[r];
            sum = vdotq_laneq_s32(sum, code0, four, 0);
            sum = vdotq_laneq_s32(sum, code1, four, 1);
            sum = vdotq_laneq_s32(sum, code2, four, 2);
            sum = vdotq_laneq_s32(sum, code3, four, 3);
            dot[r] = sum;
        }
    }
}

INLINE vi dot_four(pl_type type, vi dot, vi code, const int8_t *activations) {
    return vdotq_s32(dot, signed_codes(type, code), vreinterpretq_s8_s32(vi_set1_four(activations)));
}

#define MAX_ROWS 16
#define STEP(type, rows) pl_neon_step(rows)
#define SUMS_IN_MEMORY(type, rows) 0
#include "matmul/tile.inc"

#define FLOAT_VECTORS PL_NEON_FLOAT_VECTORS
#define FLOAT_STEPS(X) PL_NEON_FLOAT_STEPS(X)
#include "matmul/panel.inc"
#endif
