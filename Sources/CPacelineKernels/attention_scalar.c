#include "attention_kernels.h"
#include "math_scalar.h"
#include "quant_half.h"

// The scalar twin of attention: it defines the bits.
//
// A score is a chain of fused multiply-adds over the dimensions, then one multiplication by the scale. Within a chunk
// of 256 logical positions, weights are exp(score - largest), their sum has sixteen accumulators (position % 16) added
// up by halving, and each output dimension is a chain of fused multiply-adds over the positions. Chunks are merged in
// order.

enum { LANES = 16 };

static float score(const float *q, const uint16_t *tile, int64_t lane, int64_t dim, float scale) {
    float sum = 0;
    for (int64_t d = 0; d < dim; d++) sum = __builtin_fmaf(q[d], pl_half_value(tile[d * LANES + lane]), sum);
    return sum * scale;
}

static float sum_lanes(const float *x, int64_t begin, int64_t end) {
    float lanes[LANES] = {0};
    for (int64_t i = begin; i < end; i++) lanes[i % LANES] += x[i - begin];
    for (int half = LANES / 2; half > 0; half /= 2) {
        for (int i = 0; i < half; i++) lanes[i] += lanes[i + half];
    }
    return lanes[0];
}

/// The softmax of one query over logical positions begin ..< end, which lie in one chunk.
static void attend(
    const pl_attention_call *call, int64_t row_index, int64_t head, int64_t begin, int64_t end, pl_partial *partial) {
    const pl_attention_row *row = &call->rows[row_index];
    int64_t dim = call->shape.head_dim, kv_head = head / (call->heads / call->shape.kv_heads);
    float weights[PL_ATTENTION_CHUNK];
    partial->largest = -PL_INFINITY;
    for (int64_t p = begin; p < end; p++) {
        int64_t slot = pl_logical_slot(row, p);
        const uint16_t *tile = pl_key_tile(call, row, kv_head, slot);
        float s = score(pl_query(call, row_index, head), tile, slot % LANES, dim, call->scale);
        weights[p - begin] = s;
        partial->largest = s > partial->largest ? s : partial->largest;
    }
    for (int64_t i = 0; i < end - begin; i++) weights[i] = pl_exp_scalar(weights[i] - partial->largest);
    partial->sum = sum_lanes(weights, begin, end);
    for (int64_t d = 0; d < dim; d++) partial->values[d] = 0;
    for (int64_t p = begin; p < end; p++) {
        const uint16_t *value = pl_value_row(call, row, kv_head, pl_logical_slot(row, p));
        for (int64_t d = 0; d < dim; d++) {
            partial->values[d] = __builtin_fmaf(weights[p - begin], pl_half_value(value[d]), partial->values[d]);
        }
    }
}

static void combine(pl_partial *total, const pl_partial *next, int64_t dim) {
    float largest = next->largest > total->largest ? next->largest : total->largest;
    float a = pl_exp_scalar(total->largest - largest), b = pl_exp_scalar(next->largest - largest);
    total->largest = largest;
    total->sum = __builtin_fmaf(next->sum, b, total->sum * a);
    for (int64_t d = 0; d < dim; d++) {
        total->values[d] = __builtin_fmaf(next->values[d], b, total->values[d] * a);
    }
}

void pl_attention_scalar(const pl_attention_call *call, int64_t row_index, int64_t head) {
    const pl_attention_row *row = &call->rows[row_index];
    int64_t begin = pl_row_begin(call, row), end = pl_row_end(row), dim = call->shape.head_dim;
    float *out = pl_output(call, row_index, head);
    float values[PL_HEAD_DIM_LIMIT];
    pl_partial total = {.values = out}, next = {.values = values};
    for (int64_t d = 0; d < dim && begin == end; d++) out[d] = 0;
    if (begin == end) return;
    for (int64_t from = begin; from < end;) {
        int64_t to = from - from % PL_ATTENTION_CHUNK + PL_ATTENTION_CHUNK;
        to = to < end ? to : end;
        attend(call, row_index, head, from, to, from == begin ? &total : &next);
        if (from != begin) combine(&total, &next, dim);
        from = to;
    }
    float inverse = 1 / total.sum;
    for (int64_t d = 0; d < dim; d++) out[d] *= inverse;
}
