// The element-wise kernels over sixteen lanes. Included once per instruction set, after its lanes_*.h header.
//
// A remainder of fewer than sixteen elements goes through a padded block on the stack, lane i in place i, so that it
// meets the same operations as the rest.

#include <string.h>

#include "elementwise_kernels.h"
#include "math_body.h"

enum { LANES = 16 };

/// The first `count` (< 16) floats at x, then `padding`.
PL_INLINE vf load_part(const float *x, int64_t count, float padding) {
    float block[LANES];
    vf_store(block, vf_set1(padding));
    memcpy(block, x, (size_t)count * sizeof(float));
    return vf_load(block);
}

PL_INLINE void store_part(float *y, vf value, int64_t count) {
    float block[LANES];
    vf_store(block, value);
    memcpy(y, block, (size_t)count * sizeof(float));
}

PL_LANES_TARGET static void PL_LANES(exp)(const float *x, float *y, int64_t count) {
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES) vf_store(y + i, vf_exp(vf_load(x + i)));
    if (i < count) store_part(y + i, vf_exp(load_part(x + i, count - i, 0)), count - i);
}

PL_LANES_TARGET static void PL_LANES(log)(const float *x, float *y, int64_t count) {
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES) vf_store(y + i, vf_log(vf_load(x + i)));
    if (i < count) store_part(y + i, vf_log(load_part(x + i, count - i, 1)), count - i);
}

PL_LANES_TARGET static void PL_LANES(rms_norm)(
    const float *x, const float *weight, float eps, float *out, int64_t count) {
    vf squares = vf_set1(0);
    int64_t whole = count - count % LANES;
    for (int64_t i = 0; i < whole; i += LANES) squares = vf_fma(vf_load(x + i), vf_load(x + i), squares);
    if (whole < count) {
        vf rest = load_part(x + whole, count - whole, 0);
        squares = vf_fma(rest, rest, squares);
    }
    float inverse = 1.0f / __builtin_sqrtf(vf_sum(squares) / (float)count + eps);
    for (int64_t i = 0; i < whole; i += LANES) {
        vf_store(out + i, vf_mul(vf_mul(vf_load(x + i), vf_set1(inverse)), vf_load(weight + i)));
    }
    for (int64_t i = whole; i < count; i++) out[i] = x[i] * inverse * weight[i];
}

PL_LANES_TARGET static void PL_LANES(add)(float *x, const float *y, int64_t count) {
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES) vf_store(x + i, vf_add(vf_load(x + i), vf_load(y + i)));
    for (; i < count; i++) x[i] += y[i];
}

PL_INLINE vf silu_multiply(vf gate, vf up) {
    vf negated = vi_as_float(vi_xor(vf_bits(gate), vi_set1(INT32_MIN)));
    return vf_mul(vf_div(gate, vf_add(vf_set1(1), vf_exp(negated))), up);
}

PL_LANES_TARGET static void PL_LANES(silu_multiply)(float *gate, const float *up, int64_t count) {
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES) vf_store(gate + i, silu_multiply(vf_load(gate + i), vf_load(up + i)));
    if (i == count) return;
    vf rest = silu_multiply(load_part(gate + i, count - i, 0), load_part(up + i, count - i, 0));
    store_part(gate + i, rest, count - i);
}

PL_INLINE vf gelu_multiply(vf gate, vf up) {
    vf inner = vf_mul(gate, vf_fma(vf_mul(gate, gate), vf_set1(PL_GELU_CUBIC), vf_set1(PL_GELU_LINEAR)));
    vf negated = vi_as_float(vi_xor(vf_bits(inner), vi_set1(INT32_MIN)));
    return vf_mul(vf_div(gate, vf_add(vf_set1(1), vf_exp(negated))), up);
}

PL_LANES_TARGET static void PL_LANES(gelu_multiply)(float *gate, const float *up, int64_t count) {
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES) vf_store(gate + i, gelu_multiply(vf_load(gate + i), vf_load(up + i)));
    if (i == count) return;
    vf rest = gelu_multiply(load_part(gate + i, count - i, 0), load_part(up + i, count - i, 0));
    store_part(gate + i, rest, count - i);
}

PL_INLINE void rotate(vf *x, vf *y, vf c, vf s) {
    vf a = *x, b = *y;
    *x = vf_fms(a, c, vf_mul(b, s));
    *y = vf_fma(b, c, vf_mul(a, s));
}

PL_LANES_TARGET static void PL_LANES(rope_halves)(float *head, int64_t dims, const float *cosines, const float *sines) {
    float *first = head, *second = head + dims / 2;
    int64_t i = 0, count = dims / 2;
    for (; i + LANES <= count; i += LANES) {
        vf x = vf_load(first + i), y = vf_load(second + i);
        rotate(&x, &y, vf_load(cosines + i), vf_load(sines + i));
        vf_store(first + i, x);
        vf_store(second + i, y);
    }
    if (i == count) return;
    vf x = load_part(first + i, count - i, 0), y = load_part(second + i, count - i, 0);
    rotate(&x, &y, load_part(cosines + i, count - i, 0), load_part(sines + i, count - i, 0));
    store_part(first + i, x, count - i);
    store_part(second + i, y, count - i);
}

PL_LANES_TARGET static void PL_LANES(rope_pairs)(float *head, int64_t dims, const float *cosines, const float *sines) {
    int64_t i = 0, count = dims / 2;
    for (; i + LANES <= count; i += LANES) {
        vf x, y;
        vf_load_pairs(head + 2 * i, &x, &y);
        rotate(&x, &y, vf_load(cosines + i), vf_load(sines + i));
        vf_store_pairs(head + 2 * i, x, y);
    }
    if (i == count) return;
    float block[2 * LANES] = {0};
    memcpy(block, head + 2 * i, (size_t)(count - i) * 2 * sizeof(float));
    vf x, y;
    vf_load_pairs(block, &x, &y);
    rotate(&x, &y, load_part(cosines + i, count - i, 0), load_part(sines + i, count - i, 0));
    vf_store_pairs(block, x, y);
    memcpy(head + 2 * i, block, (size_t)(count - i) * 2 * sizeof(float));
}

/// Lane by lane, the index of the lane's largest value so far; a lane that saw nothing above minus infinity has 0.
PL_INLINE void argmax_step(vf *best, vi *indices, vf x, int64_t start) {
    static const int32_t iota[LANES] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    vm better = vf_greater(x, *best);
    *best = vf_select(better, x, *best);
    *indices = vi_select(better, vi_add(vi_load(iota), vi_set1((int32_t)start)), *indices);
}

PL_LANES_TARGET static int64_t PL_LANES(argmax)(const float *x, int64_t count, float *largest) {
    vf best = vf_set1(-PL_INFINITY);
    vi indices = vi_set1(0);
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES) argmax_step(&best, &indices, vf_load(x + i), i);
    if (i < count) argmax_step(&best, &indices, load_part(x + i, count - i, -PL_INFINITY), i);
    float values[LANES];
    int32_t places[LANES];
    vf_store(values, best);
    vi_store(places, indices);
    int winner = 0;
    for (int lane = 1; lane < LANES; lane++) {
        int tie = values[lane] == values[winner] && places[lane] < places[winner];
        if (values[lane] > values[winner] || tie) winner = lane;
    }
    *largest = values[winner];
    return places[winner];
}

PL_LANES_TARGET static double PL_LANES(sum_exp)(const float *x, float shift, int64_t count) {
    vd sum = vd_zero();
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES) sum = vd_add(sum, vf_exp(vf_sub(vf_load(x + i), vf_set1(shift))));
    if (i < count) {
        // Padding must add nothing whatever the shift is, so it is put in after exp.
        float terms[LANES] = {0};
        store_part(terms, vf_exp(vf_sub(load_part(x + i, count - i, 0), vf_set1(shift))), count - i);
        sum = vd_add(sum, vf_load(terms));
    }
    return vd_sum(sum);
}

PL_LANES_TARGET static void PL_LANES(to_half)(const float *x, uint16_t *y, int64_t count) {
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES) vf_store_half(y + i, vf_load(x + i));
    if (i == count) return;
    uint16_t block[LANES];
    vf_store_half(block, load_part(x + i, count - i, 0));
    memcpy(y + i, block, (size_t)(count - i) * sizeof(uint16_t));
}

PL_LANES_TARGET static void PL_LANES(from_half)(const uint16_t *x, float *y, int64_t count) {
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES) vf_store(y + i, vf_load_half(x + i));
    if (i == count) return;
    uint16_t block[LANES] = {0};
    memcpy(block, x + i, (size_t)(count - i) * sizeof(uint16_t));
    store_part(y + i, vf_load_half(block), count - i);
}

const pl_elementwise_kernels PL_LANES(pl_elementwise) = {
    .exp = PL_LANES(exp),
    .log = PL_LANES(log),
    .rms_norm = PL_LANES(rms_norm),
    .add = PL_LANES(add),
    .silu_multiply = PL_LANES(silu_multiply),
    .gelu_multiply = PL_LANES(gelu_multiply),
    .rope_halves = PL_LANES(rope_halves),
    .rope_pairs = PL_LANES(rope_pairs),
    .argmax = PL_LANES(argmax),
    .sum_exp = PL_LANES(sum_exp),
    .to_half = PL_LANES(to_half),
    .from_half = PL_LANES(from_half),
};
