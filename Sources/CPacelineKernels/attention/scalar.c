#include "attention/int8.h"
#include "elementwise/math_scalar.h"
#include "quant/half.h"

// The scalar twin of attention: it defines the bits.
//
// A score is a chain of fused multiply-adds over the dimensions, then one multiplication by the scale. Within a chunk
// of 256 logical positions, weights are exp(score - largest). Their sum has sixteen accumulators (position % 16), added
// up by halving. Each output dimension is a chain of fused multiply-adds over the positions. Chunks are merged in
// order.
//
// Over int8 pages a score is a chain over the blocks of 32 dimensions: fma(integer dot product, key scale * query
// scale, sum). The weights of a chunk, each times the scale of its value, are rounded to integers (ties to even). The
// largest becomes 32639. An output dimension is their integer dot product with the value codes, times the value of one
// unit. The rest is as above.

enum { LANES = 16 };

static float score(const float *q, const uint16_t *tile, int64_t lane, int64_t dim, float scale) {
    float sum = 0;
    for (int64_t d = 0; d < dim; ++d) sum = __builtin_fmaf(q[d], pl_half_value(tile[d * LANES + lane]), sum);
    return sum * scale;
}

static float sum_by_lanes(const float *x, int64_t begin, int64_t end) {
    float lanes[LANES] = {0};
    for (int64_t i = begin; i < end; ++i) lanes[i % LANES] += x[i - begin];
    return pl_sum_lanes(lanes);
}

static float score_int8(const pl_int8_query *q, pl_int8_head head, int64_t slot, int64_t dim) {
    int64_t blocks = pl_int8_blocks(dim), tile = slot / LANES, lane = slot % LANES;
    float sum = 0;
    for (int64_t block = 0; block < blocks; ++block) {
        int32_t dot = 0;
        for (int64_t d = block * PL_KV_BLOCK; d < dim && d < (block + 1) * PL_KV_BLOCK; ++d) {
            int64_t quad = tile * LANES * dim + (d / PL_KV_QUAD * LANES + lane) * PL_KV_QUAD;
            dot += (head.keys[quad + d % PL_KV_QUAD] - PL_KV_ZERO) * q->codes[d];
        }
        float scale = pl_half_value(head.key_scales[(tile * blocks + block) * LANES + lane]);
        sum = __builtin_fmaf((float)dot, scale * q->scales[block], sum);
    }
    return sum;
}

static float score_at(
    const pl_attention_call *call, int64_t row_index, int64_t head, int64_t slot, const pl_int8_query *q) {
    const pl_attention_row *row = &call->rows[row_index];
    int64_t dim = call->shape.head_dim, kv_head = head / (call->heads / call->shape.kv_heads);
    if (call->shape.type == PL_KV_INT8) {
        return score_int8(q, pl_int8_head_of(call, row, kv_head, slot), slot % PL_PAGE_SLOTS, dim);
    }
    const uint16_t *tile = pl_key_tile(call, row, kv_head, slot);
    return score(pl_query(call, row_index, head), tile, slot % LANES, dim, call->scale);
}

static void sum_values(
    const pl_attention_call *call, const pl_attention_row *row, int64_t kv_head, int64_t begin, int64_t end,
    const float *weights, float *values) {
    int64_t dim = call->shape.head_dim;
    for (int64_t d = 0; d < dim; ++d) values[d] = 0;
    for (int64_t p = begin; p < end; ++p) {
        const uint16_t *value = pl_value_row(call, row, kv_head, pl_logical_slot(row, p));
        for (int64_t d = 0; d < dim; ++d) {
            values[d] = __builtin_fmaf(weights[p - begin], pl_half_value(value[d]), values[d]);
        }
    }
}

/// Nearest integer, ties to even, of 0 <= x < 2^22; some integer for NaN.
static int32_t weight_code(float x) { return (int32_t)(pl_bits(x + PL_ROUNDER) - PL_ROUNDER_BITS); }

static void sum_values_int8(
    const pl_attention_call *call, const pl_attention_row *row, int64_t kv_head, int64_t begin, int64_t end,
    float *weights, float *values) {
    int64_t dim = call->shape.head_dim;
    float largest = 0;
    for (int64_t p = begin; p < end; ++p) {
        int64_t slot = pl_logical_slot(row, p);
        pl_int8_head page = pl_int8_head_of(call, row, kv_head, slot);
        weights[p - begin] *= pl_half_value(page.value_scales[slot % PL_PAGE_SLOTS]);
        largest = weights[p - begin] > largest ? weights[p - begin] : largest;
    }
    float inverse = largest > PL_WEIGHT_TINY ? PL_WEIGHT_LIMIT / largest : 0;
    int32_t sums[PL_HEAD_DIM_LIMIT] = {0};
    for (int64_t p = begin; p < end; ++p) {
        int64_t slot = pl_logical_slot(row, p), place = slot % PL_PAGE_SLOTS / PL_KV_QUAD * PL_KV_QUAD * dim;
        const uint8_t *value = pl_int8_head_of(call, row, kv_head, slot).values + place + slot % PL_KV_QUAD;
        uint32_t weight = (uint32_t)weight_code(weights[p - begin] * inverse);
        for (int64_t d = 0; d < dim; ++d) {
            sums[d] = (int32_t)((uint32_t)sums[d] + weight * (uint32_t)(value[d * PL_KV_QUAD] - PL_KV_ZERO));
        }
    }
    float unit = largest / PL_WEIGHT_LIMIT;
    for (int64_t d = 0; d < dim; ++d) values[d] = (float)sums[d] * unit;
}

/// The softmax of one query over logical positions begin ..< end, which lie in one chunk.
static void attend(
    const pl_attention_call *call, int64_t row_index, int64_t head, int64_t begin, int64_t end, const pl_int8_query *q,
    pl_partial *partial) {
    const pl_attention_row *row = &call->rows[row_index];
    int64_t kv_head = head / (call->heads / call->shape.kv_heads);
    float weights[PL_ATTENTION_CHUNK];
    partial->largest = -PL_INFINITY;
    for (int64_t p = begin; p < end; ++p) {
        float s = score_at(call, row_index, head, pl_logical_slot(row, p), q);
        weights[p - begin] = s;
        partial->largest = s > partial->largest ? s : partial->largest;
    }
    for (int64_t i = 0; i < end - begin; ++i) weights[i] = pl_exp_scalar(weights[i] - partial->largest);
    partial->sum = sum_by_lanes(weights, begin, end);
    if (call->shape.type == PL_KV_INT8) sum_values_int8(call, row, kv_head, begin, end, weights, partial->values);
    else sum_values(call, row, kv_head, begin, end, weights, partial->values);
}

static void combine(pl_partial *total, const pl_partial *next, int64_t dim) {
    float largest = next->largest > total->largest ? next->largest : total->largest;
    float a = pl_exp_scalar(total->largest - largest), b = pl_exp_scalar(next->largest - largest);
    total->largest = largest;
    total->sum = __builtin_fmaf(next->sum, b, total->sum * a);
    for (int64_t d = 0; d < dim; ++d) {
        total->values[d] = __builtin_fmaf(next->values[d], b, total->values[d] * a);
    }
}

static void attend_whole(const pl_attention_call *call, int64_t row_index, int64_t head) {
    const pl_attention_row *row = &call->rows[row_index];
    int64_t begin = pl_row_begin(call, row), end = pl_row_end(row), dim = call->shape.head_dim;
    float *out = pl_output(call, row_index, head);
    float values[PL_HEAD_DIM_LIMIT];
    pl_partial total = {.values = out}, next = {.values = values};
    for (int64_t d = 0; d < dim && begin == end; ++d) out[d] = 0;
    if (begin == end) return;
    _Alignas(64) uint8_t memory[PL_HEAD_DIM_LIMIT + 8 * PL_HEAD_DIM_LIMIT / PL_KV_BLOCK];
    if (call->shape.type == PL_KV_INT8) {
        pl_int8_quantise_query(pl_query(call, row_index, head), dim, call->scale, memory);
    }
    pl_int8_query q = pl_int8_query_at(memory, dim);
    for (int64_t from = begin; from < end;) {
        int64_t to = pl_smaller(from - from % PL_ATTENTION_CHUNK + PL_ATTENTION_CHUNK, end);
        attend(call, row_index, head, from, to, &q, from == begin ? &total : &next);
        if (from != begin) combine(&total, &next, dim);
        from = to;
    }
    float inverse = 1 / total.sum;
    for (int64_t d = 0; d < dim; ++d) out[d] *= inverse;
}

const pl_attention_kernels pl_attention_scalar = {.whole = attend_whole};
