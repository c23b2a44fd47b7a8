#if defined(__x86_64__)
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#include "quant/layout.h"

#define TARGET __attribute__((target("avx2,fma,f16c")))
#define INLINE static inline __attribute__((always_inline)) TARGET

enum { LANES = 8 };
typedef __m256i vec_i;
typedef __m256 vec_f;

INLINE vec_i v_load(const uint8_t *bytes) { return _mm256_loadu_si256((const __m256i *)bytes); }
INLINE vec_i v_set1(int value) { return _mm256_set1_epi32(value); }
INLINE vec_i v_and(vec_i a, vec_i b) { return _mm256_and_si256(a, b); }
INLINE vec_i v_or(vec_i a, vec_i b) { return _mm256_or_si256(a, b); }
INLINE vec_i v_xor(vec_i a, vec_i b) { return _mm256_xor_si256(a, b); }
INLINE vec_i v_sub(vec_i a, vec_i b) { return _mm256_sub_epi32(a, b); }
INLINE vec_i v_left(vec_i v, int n) { return _mm256_slli_epi32(v, n); }
INLINE vec_i v_right(vec_i v, int n) { return _mm256_srli_epi32(v, n); }
INLINE vec_i v_right_signed(vec_i v, int n) { return _mm256_srai_epi32(v, n); }
INLINE vec_i v_rotate(vec_i v, int n) {
    return _mm256_or_si256(_mm256_sll_epi32(v, _mm_cvtsi32_si128(n)), _mm256_srl_epi32(v, _mm_cvtsi32_si128(32 - n)));
}
INLINE vec_i v_merge(vec_i high, vec_i mask, vec_i low) { return v_or(v_and(high, mask), low); }
INLINE vec_i v_bytes_where(vec_i bytes, vec_i bits, vec_i v) {
    return _mm256_and_si256(_mm256_cmpeq_epi8(_mm256_and_si256(bytes, bits), bits), v);
}
INLINE vec_i v_lookup(const uint8_t table[16], vec_i index) {
    return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)table)), index);
}
INLINE vec_i v_spread(vec_i v, int byte) {
    const __m128i lanes = _mm_setr_epi8(0, 0, 0, 0, 4, 4, 4, 4, 8, 8, 8, 8, 12, 12, 12, 12);
    return _mm256_shuffle_epi8(v, _mm256_broadcastsi128_si256(_mm_add_epi8(lanes, _mm_set1_epi8((char)byte))));
}
#define V_WHOLE_BYTES 0
INLINE vec_f v_halves_float(const uint8_t *halves) { return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)halves)); }
INLINE vec_i v_halves_int(const uint8_t *halves) {
    return _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)halves));
}
INLINE vec_f f_load(const float *x) { return _mm256_loadu_ps(x); }
INLINE void f_store(float *x, vec_f v) { _mm256_storeu_ps(x, v); }
INLINE vec_f f_set1(float x) { return _mm256_set1_ps(x); }
INLINE vec_f f_mul(vec_f a, vec_f b) { return _mm256_mul_ps(a, b); }
INLINE vec_f f_fma(vec_f a, vec_f b, vec_f c) { return _mm256_fmadd_ps(a, b, c); }
INLINE vec_f f_negate(vec_f v) { return _mm256_xor_ps(v, _mm256_set1_ps(-0.0f)); }
INLINE vec_f f_from_int(vec_i v) { return _mm256_cvtepi32_ps(v); }
INLINE vec_f f_of_bits(vec_i v) { return _mm256_castsi256_ps(v); }

/// Codes of eight bits are made signed here and need no offset: |code| <= 128 times activations of at most 127 is what
/// the pairwise multiplication can add up without saturating, 255 is not.
#define V_OFFSET(type) (pl_layouts[type].offset == 128 ? 0 : pl_layouts[type].offset)

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

INLINE vec_i products(pl_type type, vec_i code, const int8_t *activations) {
    int32_t four;
    memcpy(&four, activations, 4);
    vec_i activation = _mm256_set1_epi32(four);
    if (pl_layouts[type].offset != 128) return _mm256_maddubs_epi16(code, activation);
    vec_i centred = _mm256_xor_si256(code, _mm256_set1_epi8((char)0x80));
    return _mm256_maddubs_epi16(_mm256_abs_epi8(centred), _mm256_sign_epi8(activation, centred));
}

INLINE void v_dots(
    pl_type type, int rows, const vec_i *code, int first, int last, const int8_t *activations, vec_i *dot) {
    const int group = pairs_per_sum(type) < last - first ? pairs_per_sum(type) : last - first;
#pragma clang loop unroll(full)
    for (int j = first; j < last; j += group) {
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; ++r) {
            vec_i pairs = products(type, code[j], activations + 32 * r + 4 * j);
            for (int i = j + 1; i < j + group; ++i) {
                pairs = _mm256_add_epi16(pairs, products(type, code[i], activations + 32 * r + 4 * i));
            }
            dot[r] = _mm256_add_epi32(dot[r], _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
        }
    }
}

INLINE vec_i v_dot_four(pl_type type, vec_i dot, vec_i code, const int8_t *activations) {
    return _mm256_add_epi32(dot, _mm256_madd_epi16(products(type, code, activations), _mm256_set1_epi16(1)));
}

#define MAX_ROWS 4
#define STEP(type, rows) ((rows) > 1 ? 2 : 1)
#define SUMS_IN_MEMORY(type, rows) ((rows) == 0)
#define KERNEL_OF_TYPE pl_tile_kernel_avx2
#include "matmul/tile.inc"

/// Pairs of tiles are for vectors that hold a whole one.
pl_tile_kernel pl_pair_kernel_avx2(pl_type type) {
    (void)type;
    return NULL;
}
#endif
