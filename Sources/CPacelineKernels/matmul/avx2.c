#if defined(__x86_64__)
#include "isa/avx2.h"

#include "quant/layout.h"
#include "tuning.h"

/// Codes of eight bits are made signed here and need no offset. The multiplication of pairs adds up |code| <= 128 times
/// activations of at most 127 without saturating, but not codes of 255.
#define DOT_TAKES_BYTES 0
#define CODE_OFFSET(type) (pl_layouts[type].offset == 128 ? 0 : pl_layouts[type].offset)

/// How many products of pairs (each at most 2 * 127 * largest code) a 16-bit sum holds.
INLINE int pairs_per_sum(pl_type type) {
    switch (type) {
    case PL_TYPE_Q8_0:
    case PL_TYPE_IQ4_NL:
    case PL_TYPE_IQ4_XS: return 1;
    case PL_TYPE_Q6_K: return 2;
    case PL_TYPE_Q5_0:
    case PL_TYPE_Q5_1:
    case PL_TYPE_Q5_K: return 4;
    default: return 8;
    }
}

INLINE vi products(pl_type type, vi code, const int8_t *activations) {
    const vi activation = vi_set1_four(activations);
    if (pl_layouts[type].offset != 128) return _mm256_maddubs_epi16(code, activation);
    const vi centred = vi_xor(code, vi_set1((int32_t)0x80808080));
    return _mm256_maddubs_epi16(_mm256_abs_epi8(centred), _mm256_sign_epi8(activation, centred));
}

INLINE void add_dots(pl_type type, int rows, const vi *code, int first, int last, const int8_t *activations, vi *dot) {
    const int group = pairs_per_sum(type) < last - first ? pairs_per_sum(type) : last - first;
#pragma clang loop unroll(full)
    for (int j = first; j < last; j += group) {
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; ++r) {
            vi pairs = products(type, code[j], activations + 32 * r + 4 * j);
            for (int i = j + 1; i < j + group; ++i) {
                pairs = _mm256_add_epi16(pairs, products(type, code[i], activations + 32 * r + 4 * i));
            }
            dot[r] = vi_add(dot[r], vi_multiply_pairs(pairs, _mm256_set1_epi16(1)));
        }
    }
}

INLINE vi dot_four(pl_type type, vi dot, vi code, const int8_t *activations) {
    return vi_add(dot, vi_multiply_pairs(products(type, code, activations), _mm256_set1_epi16(1)));
}

#define MAX_ROWS 4
#define STEP(type, rows) pl_avx2_step(rows)
#define SUMS_IN_MEMORY(type, rows) ((rows) == 0)
#include "matmul/tile.inc"

#define FLOAT_VECTORS PL_AVX2_FLOAT_VECTORS
#define FLOAT_STEPS(X) PL_AVX2_FLOAT_STEPS(X)
#include "matmul/panel.inc"
#endif
