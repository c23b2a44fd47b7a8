#if defined(__x86_64__)
#include "isa/avx512.h"

#include "quant/layout.h"
#include "tuning.h"

/// A dot takes codes of a whole unsigned byte, and the offset of a format goes into the initial value.
#define DOT_TAKES_BYTES 1
#define CODE_OFFSET(type) pl_layouts[type].offset

#define HAS_BIASED_BYTE
/// The float 2^23 + byte `index` of each lane.
INLINE vf biased_byte(vi bytes, int index) {
    const char i = (char)index;
    const __m128i lanes = _mm_setr_epi8(i, 0, 0, 0, 4 + i, 0, 0, 0, 8 + i, 0, 0, 0, 12 + i, 0, 0, 0);
    return vi_as_float(
        _mm512_mask_shuffle_epi8(vi_set1(0x4b000000), 0x1111111111111111u, bytes, _mm512_broadcast_i32x4(lanes)));
}

INLINE vi dot_four(pl_type type, vi dot, vi code, const int8_t *activations) {
    (void)type;
    return vi_dot(dot, code, vi_set1_four(activations));
}

/// Row by row inside, so that as many independent sums are in flight as there are rows. The dots of a few rows would
/// wait for each other, so these have a second sum, for the second half of the operands.
INLINE void add_dots(pl_type type, int rows, const vi *code, int first, int last, const int8_t *activations, vi *dot) {
    const int half = (last - first) / 2, split = rows <= PL_AVX512_SPLIT_ROWS && half == 4 ? rows : 0;
    const int end = split ? first + half : last;
    vi second[PL_AVX512_SPLIT_ROWS];
    for (int r = 0; r < split; ++r) second[r] = vi_set1(0);
#pragma clang loop unroll(full)
    for (int j = first; j < end; ++j) {
        const int8_t *four = activations + 4 * j;
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; ++r) dot[r] = dot_four(type, dot[r], code[j], four + 32 * r);
#pragma clang loop unroll(full)
        for (int r = 0; r < split; ++r) {
            second[r] = dot_four(type, second[r], code[j + half], four + 32 * r + 4 * half);
        }
    }
    for (int r = 0; r < split; ++r) dot[r] = vi_add(dot[r], second[r]);
}

#define HAS_PAIRS
/// Which of up to 64 bytes are not zero, a bit each.
INLINE uint64_t nonzero_bytes(const uint8_t *bytes, int64_t count) {
    const vi all = _mm512_maskz_loadu_epi8(~0ull >> (64 - count), bytes);
    return _mm512_test_epi8_mask(all, all);
}

#define MAX_ROWS 16
#define STEP(type, rows) pl_avx512_step(pl_halves(type), rows)
#define SUMS_IN_MEMORY(type, rows) pl_avx512_sums_in_memory(type, rows)
#include "matmul/tile.inc"

#define FLOAT_VECTORS PL_AVX512_FLOAT_VECTORS
#define FLOAT_STEPS(X) PL_AVX512_FLOAT_STEPS(X)
#include "matmul/panel.inc"
#endif
