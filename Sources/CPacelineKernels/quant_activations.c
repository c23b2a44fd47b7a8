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
    return (size_t)(cols / PL_ACTIVATION_BLOCK) * (size_t)pl_activation_rows(count)
        * (PL_ACTIVATION_BYTES + sizeof(pl_outlier) + 1);
}

static void store_scalars(pl_activation_block place, float scale, const int32_t sum[2]) {
    *place.scale = scale;
    *place.total = (float)(sum[0] + sum[1]);
    *place.sum[0] = sum[0];
    *place.sum[1] = sum[1];
}

/// The largest magnitude of each group of four columns.
static void group_maximums(const float *x, float largest[PL_ACTIVATION_BLOCK / PL_OUTLIER_COLUMNS]) {
    for (int group = 0; group < PL_ACTIVATION_BLOCK / PL_OUTLIER_COLUMNS; ++group, x += PL_OUTLIER_COLUMNS) {
        const float a = __builtin_fabsf(x[0]), b = __builtin_fabsf(x[1]);
        const float c = __builtin_fabsf(x[2]), d = __builtin_fabsf(x[3]);
        const float ab = a > b ? a : b, cd = c > d ? c : d;
        largest[group] = ab > cd ? ab : cd;
    }
}

/// The first group with the largest magnitude of a block, and the block's scale without that group. The scale is large
/// enough for the group's own codes.
static int outlier_group(const float *x, float *scale) {
    float largest[PL_ACTIVATION_BLOCK / PL_OUTLIER_COLUMNS], rest = 0;
    int group = 0;
    group_maximums(x, largest);
    for (int i = 1; i < PL_ACTIVATION_BLOCK / PL_OUTLIER_COLUMNS; ++i) group = largest[i] > largest[group] ? i : group;
    for (int i = 0; i < PL_ACTIVATION_BLOCK / PL_OUTLIER_COLUMNS; ++i) {
        rest = i != group && largest[i] > rest ? largest[i] : rest;
    }
    const float least = largest[group] / (127.0f * PL_OUTLIER_RADIX + 127.0f);
    *scale = rest / 127.0f > least ? rest / 127.0f : least;
    return group;
}

/// Quantises a block that has an outlier: every value to the nearest multiple of `scale`, ties to even. The multiples of
/// the outlier's columns are RADIX * high + low with low in -127 ... 127; their high parts are the outlier's codes.
static void quantise_apart(const float *x, float scale, int group, pl_activation_block place, pl_outlier *outlier) {
    const float inverse = 1.0f / scale;
    int32_t code[PL_ACTIVATION_BLOCK], sum[2] = { 0, 0 };
    for (int i = 0; i < PL_ACTIVATION_BLOCK; ++i) code[i] = round_to_even(x[i] * inverse);
    outlier->sum = 0;
    for (int i = 0; i < PL_OUTLIER_COLUMNS; ++i) {
        int32_t *whole = &code[PL_OUTLIER_COLUMNS * group + i];
        const int32_t half = (PL_OUTLIER_RADIX - 1) / 2, high = (*whole + (*whole < 0 ? -half : half)) / PL_OUTLIER_RADIX;
        *whole -= PL_OUTLIER_RADIX * high;
        outlier->codes[i] = (int8_t)high;
        outlier->sum += high;
    }
    for (int i = 0; i < PL_ACTIVATION_BLOCK; ++i) {
        place.codes[i] = (int8_t)code[i];
        sum[i >> 4] += code[i];
    }
    store_scalars(place, scale, sum);
    outlier->total = (float)outlier->sum;
    outlier->scale = PL_OUTLIER_RADIX * scale;
}

/// Quantises a block of row `row` again if it has an outlier; returns what the block's byte is then.
static uint8_t take_apart(const float *x, float energy, int64_t blocks, pl_activation_block place, pl_outlier *outlier) {
    float rest;
    // Most blocks can be told from their scale.
    if (!pl_activation_has_outlier(*place.scale, 0, energy, blocks)) return 0;
    const int group = outlier_group(x, &rest);
    if (!pl_activation_has_outlier(*place.scale, rest, energy, blocks)) return 0;
    quantise_apart(x, rest, group, place, outlier);
    return (uint8_t)(1 + group);
}

static void quantise_row(
    pl_activation_quantiser quantise, const float *x, int64_t cols, int64_t rows, int64_t row, void *out) {
    const int64_t blocks = cols / PL_ACTIVATION_BLOCK;
    pl_outlier *outliers = pl_activation_outliers(out, blocks, rows) + row;
    uint8_t *groups = pl_activation_groups(out, blocks, rows) + row;
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
        const float *values = x + block * PL_ACTIVATION_BLOCK;
        groups[block * rows] = take_apart(values, energy, blocks, place, &outliers[block * rows]);
    }
}

static void clear_row(int64_t cols, int64_t rows, int64_t row, void *out) {
    const int64_t blocks = cols / PL_ACTIVATION_BLOCK;
    for (int64_t block = 0; block < blocks; ++block) {
        pl_activation_block place = pl_activation_block_at(out, rows, block, row);
        memset(place.codes, 0, PL_ACTIVATION_BLOCK);
        store_scalars(place, 0, (int32_t[2]){ 0, 0 });
        pl_activation_groups(out, blocks, rows)[block * rows + row] = 0;
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
