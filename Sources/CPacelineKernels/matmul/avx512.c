#if defined(__x86_64__)
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#include "quant/layout.h"

#define TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c")))
#define INLINE static inline __attribute__((always_inline)) TARGET

enum { LANES = 16 };
typedef __m512i vec_i;
typedef __m512 vec_f;

INLINE vec_i v_load(const uint8_t *bytes) { return _mm512_loadu_si512(bytes); }
INLINE vec_i v_set1(int value) { return _mm512_set1_epi32(value); }
INLINE vec_i v_and(vec_i a, vec_i b) { return _mm512_and_si512(a, b); }
INLINE vec_i v_or(vec_i a, vec_i b) { return _mm512_or_si512(a, b); }
INLINE vec_i v_xor(vec_i a, vec_i b) { return _mm512_xor_si512(a, b); }
INLINE vec_i v_sub(vec_i a, vec_i b) { return _mm512_sub_epi32(a, b); }
INLINE vec_i v_left(vec_i v, unsigned n) { return _mm512_slli_epi32(v, n); }
INLINE vec_i v_right(vec_i v, unsigned n) { return _mm512_srli_epi32(v, n); }
INLINE vec_i v_right_signed(vec_i v, unsigned n) { return _mm512_srai_epi32(v, n); }
INLINE vec_i v_rotate(vec_i v, int n) { return _mm512_rolv_epi32(v, _mm512_set1_epi32(n)); }
INLINE vec_i v_merge(vec_i high, vec_i mask, vec_i low) { return _mm512_ternarylogic_epi32(high, mask, low, 0xea); }
INLINE vec_i v_bytes_where(vec_i bytes, vec_i bits, vec_i v) {
    return _mm512_maskz_mov_epi8(_mm512_test_epi8_mask(bytes, bits), v);
}
INLINE vec_i v_lookup(const uint8_t table[16], vec_i index) {
    return _mm512_shuffle_epi8(_mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)table)), index);
}
INLINE vec_i v_spread(vec_i v, int byte) {
    const __m128i lanes = _mm_setr_epi8(0, 0, 0, 0, 4, 4, 4, 4, 8, 8, 8, 8, 12, 12, 12, 12);
    return _mm512_shuffle_epi8(v, _mm512_broadcast_i32x4(_mm_add_epi8(lanes, _mm_set1_epi8((char)byte))));
}
#define V_BIASED_BYTE
/// The float 2^23 + byte `index` of each lane.
INLINE vec_f v_biased_byte(vec_i bytes, int index) {
    const char i = (char)index;
    const __m128i lanes = _mm_setr_epi8(i, 0, 0, 0, 4 + i, 0, 0, 0, 8 + i, 0, 0, 0, 12 + i, 0, 0, 0);
    return _mm512_castsi512_ps(_mm512_mask_shuffle_epi8(
        _mm512_set1_epi32(0x4b000000), 0x1111111111111111u, bytes, _mm512_broadcast_i32x4(lanes)));
}
/// A dot takes any unsigned byte.
#define V_WHOLE_BYTES 1
INLINE vec_f v_halves_float(const uint8_t *halves) {
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)halves));
}
INLINE vec_i v_halves_int(const uint8_t *halves) {
    return _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)halves));
}
INLINE vec_f f_load(const float *x) { return _mm512_loadu_ps(x); }
INLINE void f_store(float *x, vec_f v) { _mm512_storeu_ps(x, v); }
INLINE vec_f f_set1(float x) { return _mm512_set1_ps(x); }
INLINE vec_f f_mul(vec_f a, vec_f b) { return _mm512_mul_ps(a, b); }
INLINE vec_f f_fma(vec_f a, vec_f b, vec_f c) { return _mm512_fmadd_ps(a, b, c); }
INLINE vec_f f_negate(vec_f v) { return _mm512_xor_ps(v, _mm512_set1_ps(-0.0f)); }
INLINE vec_f f_from_int(vec_i v) { return _mm512_cvtepi32_ps(v); }
INLINE vec_f f_of_bits(vec_i v) { return _mm512_castsi512_ps(v); }

/// The codes are unsigned, so the offset of a format goes into the initial value.
#define V_OFFSET(type) pl_layouts[type].offset

INLINE vec_i v_four(const int8_t *activations) {
    int32_t four;
    memcpy(&four, activations, 4);
    return _mm512_set1_epi32(four);
}

INLINE vec_i v_dot(pl_type type, vec_i dot, vec_i code, vec_i four) {
    (void)type;
    return _mm512_dpbusd_epi32(dot, code, four);
}

INLINE vec_i v_dot_four(pl_type type, vec_i dot, vec_i code, const int8_t *activations) {
    return v_dot(type, dot, code, v_four(activations));
}

/// Which of up to 64 bytes are not zero, a bit each.
INLINE uint64_t v_nonzero(const uint8_t *bytes, int64_t count) {
    const __m512i all = _mm512_maskz_loadu_epi8(~0ull >> (64 - count), bytes);
    return _mm512_test_epi8_mask(all, all);
}

/// The most rows that have two running dots each.
enum { SPLIT_ROWS = 4 };

/// Row by row inside, so that as many independent sums are in flight as there are rows. The dots of a few rows would
/// wait for each other; those have a second sum for the second half of the operands.
INLINE void v_dots(
    pl_type type, int rows, const vec_i *code, int first, int last, const int8_t *activations, vec_i *dot) {
    const int half = (last - first) / 2, split = rows <= SPLIT_ROWS && half == 4 ? rows : 0;
    const int end = split ? first + half : last;
    vec_i second[SPLIT_ROWS];
    for (int r = 0; r < split; ++r) second[r] = _mm512_setzero_si512();
#pragma clang loop unroll(full)
    for (int j = first; j < end; ++j) {
        const int8_t *four = activations + 4 * j;
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; ++r) dot[r] = v_dot(type, dot[r], code[j], v_four(four + 32 * r));
#pragma clang loop unroll(full)
        for (int r = 0; r < split; ++r) {
            second[r] = v_dot(type, second[r], code[j + half], v_four(four + 32 * r + 4 * half));
        }
    }
    for (int r = 0; r < split; ++r) dot[r] = _mm512_add_epi32(dot[r], second[r]);
}

#define MAX_ROWS 16
// Where sub-blocks have two scales, the sums of the first half wait in registers for those of the second. Where they
// have one, the sums of sixteen rows would leave room for the dots of six; in memory they are far from being a limit.
// So it is with twelve where each row has a start of its own and a sub-block its own fields. Those of eight have room,
// but an outlier is added in less time to a sum in memory where much is unpacked for it.
#define SUMS_IN_MEMORY(type, rows) \
    (pl_halves(type) == 1 \
     && ((rows) == 16 || ((rows) == 12 && V_OFFSET(type) != 0 && pl_layouts[type].block_length == 32) \
         || ((rows) == 8 && pl_layouts[type].block_length == 256)))
#define STEP(type, rows) (pl_halves(type) == 2 && (rows) > 4 ? 4 : (rows) <= 8 ? (rows) : (rows) == 16 ? 8 : 6)
#define PAIR_KERNEL_OF_TYPE pl_pair_kernel_avx512
#define KERNEL_OF_TYPE pl_tile_kernel_avx512
#include "matmul/tile.inc"
#endif
