#include "quant_activations.h"

#include <string.h>

#include "paceline/matmul.h"
#include "quant_half.h"

/// Nearest integer, ties to even, of |x| < 2^22: the addition rounds at the units place.
static int32_t round_to_even(float x) {
    return (int32_t)((x + 0x1.8p23f) - 0x1.8p23f);
}

void pl_activation_quantise_scalar(const float *x, int8_t *codes, float *scale, int32_t sum[2]) {
    uint32_t largest = 0;
    for (int i = 0; i < PL_ACTIVATION_BLOCK; ++i) {
        uint32_t magnitude = pl_bits_of_float(x[i]) & 0x7fffffff;
        largest = magnitude > largest ? magnitude : largest;
    }
    sum[0] = sum[1] = 0;
    if (largest < PL_ACTIVATION_TINY || largest >= PL_ACTIVATION_INFINITE) {
        *scale = largest < PL_ACTIVATION_TINY ? 0 : pl_float_of_bits(PL_QUIET_NAN);
        for (int i = 0; i < PL_ACTIVATION_BLOCK; ++i) codes[i] = 0;
        return;
    }
    float amax = pl_float_of_bits(largest), inverse = 127.0f / amax;
    *scale = amax / 127.0f;
    for (int i = 0; i < PL_ACTIVATION_BLOCK; ++i) {
        int32_t code = round_to_even(x[i] * inverse);
        codes[i] = (int8_t)code;
        sum[i >> 4] += code;
    }
}

static pl_activation_quantiser quantiser(pl_isa isa) {
    switch (isa) {
#if defined(__x86_64__)
    case PL_ISA_AVX2: return pl_activation_quantise_avx2;
    case PL_ISA_AVX512: return pl_activation_quantise_avx512;
#elif defined(__aarch64__)
    case PL_ISA_NEON: return pl_activation_quantise_neon;
#endif
    default: return pl_activation_quantise_scalar;
    }
}

size_t pl_activations_bytes(int64_t cols, int64_t count) {
    return (size_t)(cols / PL_ACTIVATION_BLOCK) * (size_t)pl_activation_rows(count) * (2 * PL_ACTIVATION_BYTES + 1);
}

static void store_scalars(pl_activation_block place, float scale, const int32_t sum[2]) {
    *place.scale = scale;
    *place.total = (float)(sum[0] + sum[1]);
    *place.sum[0] = sum[0];
    *place.sum[1] = sum[1];
}

/// What the codes of a block have left of it, quantised in turn. Plain products and differences, so that no CPU fuses
/// them.
static void quantise_residual(const float *x, const int8_t *codes, float scale, pl_activation_block place) {
    const float inverse = 254.0f / scale;
    int32_t sum[2] = { 0, 0 };
    for (int i = 0; i < PL_ACTIVATION_BLOCK; ++i) {
        float left = x[i] - (float)codes[i] * scale;
        int32_t code = round_to_even(left * inverse);
        code = code > 127 ? 127 : code < -127 ? -127 : code;
        place.codes[i] = (int8_t)code;
        sum[i >> 4] += code;
    }
    store_scalars(place, scale / 254.0f, sum);
}

static void quantise_row(
    pl_activation_quantiser quantise, const float *x, int64_t cols, int64_t rows, int64_t row, void *out) {
    const int64_t blocks = cols / PL_ACTIVATION_BLOCK;
    const void *residuals = pl_activation_residuals(out, blocks, rows);
    uint8_t *flags = pl_activation_flags(out, blocks, rows);
    float energy = 0;
    for (int64_t block = 0; block < blocks; ++block) {
        pl_activation_block place = pl_activation_block_at(out, rows, block, row);
        float scale;
        int32_t sum[2];
        quantise(x + block * PL_ACTIVATION_BLOCK, place.codes, &scale, sum);
        store_scalars(place, scale, sum);
        energy += scale * scale;
    }
    for (int64_t block = 0; block < blocks; ++block) {
        pl_activation_block place = pl_activation_block_at(out, rows, block, row);
        const int hot = pl_activation_is_hot(*place.scale, energy, blocks);
        flags[block * rows + row] = (uint8_t)hot;
        if (!hot) continue;
        pl_activation_block residual = pl_activation_block_at(residuals, rows, block, row);
        quantise_residual(x + block * PL_ACTIVATION_BLOCK, place.codes, *place.scale, residual);
    }
}

static void clear_row(int64_t cols, int64_t rows, int64_t row, void *out) {
    const int64_t blocks = cols / PL_ACTIVATION_BLOCK;
    for (int64_t block = 0; block < blocks; ++block) {
        pl_activation_block place = pl_activation_block_at(out, rows, block, row);
        memset(place.codes, 0, PL_ACTIVATION_BLOCK);
        store_scalars(place, 0, (int32_t[2]){ 0, 0 });
        pl_activation_flags(out, blocks, rows)[block * rows + row] = 0;
    }
}

void pl_activations_quantise_rows(
    pl_isa isa, const float *x, int64_t stride, int64_t cols, int64_t count, int64_t begin, int64_t end, void *out) {
    pl_activation_quantiser quantise = quantiser(isa);
    const int64_t rows = pl_activation_rows(count);
    for (int64_t row = begin; row < end; ++row) quantise_row(quantise, x + row * stride, cols, rows, row, out);
    for (int64_t row = count; end == count && row < rows; ++row) clear_row(cols, rows, row, out);
}

void pl_activations_quantise(pl_isa isa, const float *x, int64_t stride, int64_t cols, int64_t count, void *out) {
    pl_activations_quantise_rows(isa, x, stride, cols, count, 0, count, out);
}
