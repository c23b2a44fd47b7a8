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

INLINE vi products(pl_type type, vi code, vi activation) {
    if (pl_layouts[type].offset != 128) return _mm256_maddubs_epi16(code, activation);
    const vi centred = vi_xor(code, vi_set1((int32_t)0x80808080));
    return _mm256_maddubs_epi16(_mm256_abs_epi8(centred), _mm256_sign_epi8(activation, centred));
}

INLINE vi sums_of_pairs(vi products) { return vi_multiply_pairs(products, _mm256_set1_epi16(1)); }

INLINE void add_dots(pl_type type, int rows, const vi *code, int first, int last, const int8_t *activations, vi *dot) {
    const int group = pairs_per_sum(type) < last - first ? pairs_per_sum(type) : last - first;
#pragma clang loop unroll(full)
    for (int j = first; j < last; j += group) {
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; ++r) {
            vi pairs = products(type, code[j], vi_set1_four(activations + 32 * r + 4 * j));
            for (int i = j + 1; i < j + group; ++i) {
                pairs = _mm256_add_epi16(pairs, products(type, code[i], vi_set1_four(activations + 32 * r + 4 * i)));
            }
            dot[r] = vi_add(dot[r], sums_of_pairs(pairs));
        }
    }
}

INLINE vi dot_four(pl_type type, vi dot, vi code, const int8_t *activations) {
    return vi_add(dot, sums_of_pairs(products(type, code, vi_set1_four(activations))));
}

#define HAS_WHOLE
#define WHOLE_ROWS PL_AVX2_WHOLE_ROWS
#define WHOLE_STEP(type) pl_avx2_whole_step(pairs_per_sum(type))
#define WHOLE_REST PL_AVX2_WHOLE_REST
#define WHOLE_MOST PL_AVX2_WHOLE_MOST

/// Codes of eight bits as |code| and a byte of ones where the code is negative.
#define IS_SPLIT(type) (pl_layouts[type].offset == 128)

/// The weights of one sub-block of one vector of rows, in memory.
typedef struct whole_sub_block {
    vi code[8];
    vi sign[8];
    vi start;  ///< of integer sums, where codes are split
    vf scale[2], unbias[2], minimum[2];
} whole_sub_block;

/// For a negative code, (activation ^ sign) * |code| is activation * code - |code|. The latter is added up here, once
/// for all rows.
INLINE void split_codes(const vi code[8], whole_sub_block *out) {
    vi negative = vi_set1(0);
    for (int j = 0; j < 8; ++j) {
        const vi centred = vi_xor(code[j], vi_set1((int32_t)0x80808080));
        out->code[j] = _mm256_abs_epi8(centred);
        out->sign[j] = _mm256_cmpgt_epi8(vi_set1(0), centred);
        const vi part = _mm256_maddubs_epi16(vi_set1(0x01010101), vi_and(centred, out->sign[j]));
        negative = _mm256_add_epi16(negative, part);
    }
    out->start = vi_sub(vi_set1(PL_ROUNDER_BITS), sums_of_pairs(negative));
}

/// Products of operand j of each of both vectors. Nothing saturates: 2 * 128 * -128 is a number of 16 bits.
INLINE vi whole_products(pl_type type, const whole_sub_block *w, int j, vi four) {
    return _mm256_maddubs_epi16(w->code[j], IS_SPLIT(type) ? vi_xor(four, w->sign[j]) : four);
}

/// Keeps the compiler from adding up in another order, in which it runs out of registers.
#define IN_THIS_ORDER(a, b) __asm__("" : "+x"(a), "+x"(b))

INLINE void whole_dots(
    pl_type type, int rows, const whole_sub_block w[2], int first, int last, const int8_t *activations,
    vi dot[2][WHOLE_MOST]) {
    const int group = pairs_per_sum(type) < last - first ? pairs_per_sum(type) : last - first;
    vi pairs[2][WHOLE_MOST];
#pragma clang loop unroll(full)
    for (int j = first; j < last; ++j) {
        const int begins = (j - first) % group == 0, ends = (j - first) % group == group - 1;
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; ++r) {
            const vi four = vi_set1_four(activations + 32 * r + 4 * j);
            for (int t = 0; t < 2; ++t) {
                const vi some = whole_products(type, &w[t], j, four);
                pairs[t][r] = begins ? some : _mm256_add_epi16(pairs[t][r], some);
            }
            IN_THIS_ORDER(pairs[0][r], pairs[1][r]);
            if (!ends) continue;
            for (int t = 0; t < 2; ++t) {
                const vi sum = sums_of_pairs(pairs[t][r]);
                dot[t][r] = j < first + group ? sum : vi_add(dot[t][r], sum);
            }
            IN_THIS_ORDER(dot[0][r], dot[1][r]);
        }
    }
}

INLINE vi whole_dot_four(pl_type type, const whole_sub_block *w, int group, const int8_t *activations) {
    const vi four = vi_set1_four(activations);
    if (!IS_SPLIT(type)) return sums_of_pairs(_mm256_maddubs_epi16(w->code[group], four));
    const vi signed_four = _mm256_sub_epi8(vi_xor(four, w->sign[group]), w->sign[group]);
    return sums_of_pairs(_mm256_maddubs_epi16(w->code[group], signed_four));
}

#define MAX_ROWS 2
#define STEP(type, rows) pl_avx2_step(rows)
#define SUMS_IN_MEMORY(type, rows) 0
#include "matmul/tile.inc"

#define FLOAT_VECTORS PL_AVX2_FLOAT_VECTORS
#define FLOAT_STEPS(X) PL_AVX2_FLOAT_STEPS(X)
#include "matmul/panel.inc"
#endif
