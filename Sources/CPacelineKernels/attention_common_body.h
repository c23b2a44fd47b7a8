// What attention over sixteen lanes does alike for pages of all types. Included after a lanes_*.h header.

#include <string.h>

#include "attention_int8.h"
#include "math_body.h"
#include "quant_half.h"

enum { LANES = 16, QUERIES = PL_ATTENTION_QUERIES, CHUNK = PL_ATTENTION_CHUNK };

/// The logical positions of one row in a chunk, relative to the chunk: begin ..< end, of which those below `base` are
/// base.
typedef struct span {
    int64_t begin;
    int64_t base;
    int64_t end;
} span;

/// What is computed for one block in one chunk.
typedef struct chunk_work {
    const pl_attention_call *call;
    const pl_attention_block *block;
    int64_t start;           ///< the chunk's first logical position
    int64_t row_count;       ///< rows that the block's queries belong to
    int64_t group;           ///< queries per KV head
    span spans[QUERIES];     ///< of each row
    int first[QUERIES + 1];  ///< the first query of each row
    _Alignas(64) float scores[QUERIES][CHUNK];
} chunk_work;

static inline int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }

static void prepare(
    chunk_work *work, const pl_attention_call *call, const pl_attention_block *block, int64_t chunk) {
    work->call = call;
    work->block = block;
    work->start = chunk * CHUNK;
    work->group = call->heads / call->shape.kv_heads;
    work->row_count = 0;
    for (int i = 0; i < block->count; i++) {
        int64_t query = block->first + i, row_index = block->row + query / work->group;
        if (i > 0 && query % work->group != 0) continue;
        const pl_attention_row *row = &call->rows[row_index];
        span *s = &work->spans[work->row_count];
        s->end = smaller(CHUNK, pl_row_end(row) - work->start);
        s->begin = larger(0, pl_row_begin(call, row) - work->start);
        s->base = larger(s->begin, smaller(s->end, row->base - work->start));
        work->first[work->row_count++] = i;
    }
    work->first[work->row_count] = block->count;
}

static inline const pl_attention_row *row_of(const chunk_work *work, int64_t row) {
    return &work->call->rows[work->block->row + work->block->first / work->group + row];
}

/// The base positions that some row of the block has, relative to the chunk: begin ..< end, 0 ..< 0 for none.
static span base_span(const chunk_work *work) {
    span all = {.begin = CHUNK};
    for (int64_t r = 0; r < work->row_count; r++) {
        if (work->spans[r].begin >= work->spans[r].base) continue;
        all.begin = smaller(all.begin, work->spans[r].begin);
        all.end = larger(all.end, work->spans[r].base);
    }
    return all.end > 0 ? all : (span){0};
}

/// Key tiles of a path whose scores are kept while the path is walked.
enum { CACHED_TILES = 8 };

/// scores[i * 16 + lane] of queries first ..< first + count against the key tile that holds `slot` of a row's sequence.
typedef void (*tile_scorer)(
    const chunk_work *work, const pl_attention_row *row, int first, int count, int64_t slot, float *scores);

/// Scores of one row's queries against its path: whole tiles, of which the path's slots are picked.
static void score_path(chunk_work *work, int64_t r, tile_scorer score_tile) {
    const pl_attention_row *row = row_of(work, r);
    int64_t cached[CACHED_TILES];
    _Alignas(64) float scores[CACHED_TILES][QUERIES][LANES];
    int first = work->first[r], count = work->first[r + 1] - first, oldest = 0;
    for (int i = 0; i < CACHED_TILES; i++) cached[i] = -1;
    for (int64_t p = work->spans[r].base; p < work->spans[r].end; p++) {
        int64_t slot = pl_logical_slot(row, work->start + p);
        int found = 0;
        while (found < CACHED_TILES && cached[found] != slot / LANES) found++;
        if (found == CACHED_TILES) {
            found = oldest;
            oldest = (oldest + 1) % CACHED_TILES;
            cached[found] = slot / LANES;
            score_tile(work, row, first, count, slot, &scores[found][0][0]);
        }
        for (int i = 0; i < count; i++) work->scores[first + i][p] = scores[found][i][slot % LANES];
    }
}

PL_INLINE float largest_lane(vf x) {
    float lanes[LANES];
    vf_store(lanes, x);
    for (int half = LANES / 2; half > 0; half /= 2) {
        for (int i = 0; i < half; i++) lanes[i] = lanes[i + half] > lanes[i] ? lanes[i + half] : lanes[i];
    }
    return lanes[0];
}

/// Turns scores begin ..< end into weights exp(score - largest).
PL_LANES_TARGET static void soften(float *scores, int64_t begin, int64_t end, pl_partial *partial) {
    int64_t from = begin / LANES * LANES, to = (end + LANES - 1) / LANES * LANES;
    // The weight of minus infinity is zero, which adds nothing to its lane.
    for (int64_t i = from; i < begin; i++) scores[i] = -PL_INFINITY;
    for (int64_t i = end; i < to; i++) scores[i] = -PL_INFINITY;
    vf most = vf_set1(-PL_INFINITY), sum = vf_set1(0);
    for (int64_t i = from; i < to; i += LANES) most = vf_max(vf_load(scores + i), most);
    partial->largest = largest_lane(most);
    for (int64_t i = from; i < to; i += LANES) {
        vf weight = vf_exp(vf_sub(vf_load(scores + i), vf_set1(partial->largest)));
        vf_store(scores + i, weight);
        sum = vf_add(sum, weight);
    }
    partial->sum = vf_sum(sum);
}

PL_LANES_TARGET static void PL_LANES(combine)(pl_partial *total, const pl_partial *next, int64_t dim) {
    float largest = next->largest > total->largest ? next->largest : total->largest;
    vf a = vf_exp(vf_set1(total->largest - largest)), b = vf_exp(vf_set1(next->largest - largest));
    float lanes[2][LANES];
    vf_store(lanes[0], a);
    vf_store(lanes[1], b);
    total->largest = largest;
    total->sum = __builtin_fmaf(next->sum, lanes[1][0], total->sum * lanes[0][0]);
    for (int64_t d = 0; d < dim; d += LANES) {
        vf_store(total->values + d, vf_fma(vf_load(next->values + d), b, vf_mul(vf_load(total->values + d), a)));
    }
}

PL_LANES_TARGET static void PL_LANES(finish)(const pl_partial *total, float *out, int64_t dim) {
    vf inverse = vf_set1(1 / total->sum);
    for (int64_t d = 0; d < dim; d += LANES) vf_store(out + d, vf_mul(vf_load(total->values + d), inverse));
}
