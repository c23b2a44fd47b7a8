#include "paceline/attention.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attention/int8.h"
#include "isa/dispatch.h"
#include "isa/plain.h"
#include "memory/scratch.h"
#include "tuning.h"

// Shares a call out over the pool.
//
// Consecutive rows with the same pages form a group. Usually an item is (group, KV head) and walks all chunks. Where
// that makes too few items for the threads, as in decoding one row, an item is (group, chunk, KV head). It leaves its
// partials in scratch memory, and they are combined afterwards. Chunks are combined in the same order either way.

/// Floats before the values of a partial in scratch memory. They keep the values aligned.
enum { PARTIAL_HEADER = 16 };

typedef struct chunk_range {
    int64_t begin;
    int64_t end;
} chunk_range;

typedef struct row_group {
    int64_t row;
    int64_t rows;
    chunk_range chunks;
    int64_t first_item;  // of the items by chunk
} row_group;

typedef struct attention_plan {
    pl_attention_call call;
    const pl_attention_kernels *kernels;
    row_group *groups;
    int64_t group_count;
    int64_t chunk_items;  // (group, chunk, KV head) over all groups
    int64_t chunk_limit;  // chunks of the longest row
    int64_t work;         // multiply-adds
    uint8_t *queries;     // quantised, where pages are int8
    float *partials;      // (row, head, chunk) x stride
} attention_plan;

static int64_t queries_per_kv_head(const attention_plan *plan) { return plan->call.heads / plan->call.shape.kv_heads; }

static int64_t partial_stride(const attention_plan *plan) { return PARTIAL_HEADER + plan->call.shape.head_dim; }

/// The chunks of a row; none for a row without positions.
static chunk_range row_chunks(const attention_plan *plan, int64_t row) {
    const pl_attention_row *r = &plan->call.rows[row];
    return (chunk_range){
        .begin = pl_row_begin(&plan->call, r) / PL_ATTENTION_CHUNK,
        .end = pl_groups(pl_row_end(r), PL_ATTENTION_CHUNK),
    };
}

static void add_row(attention_plan *plan, int64_t row) {
    const pl_attention_row *rows = plan->call.rows;
    int64_t limit
        = pl_larger(1, pl_smaller(PL_ATTENTION_GROUP_ROWS, PL_ATTENTION_GROUP_QUERIES / queries_per_kv_head(plan)));
    chunk_range chunks = row_chunks(plan, row);
    row_group *group = plan->group_count > 0 ? &plan->groups[plan->group_count - 1] : NULL;
    if (group && group->rows < limit && rows[group->row].pages == rows[row].pages) {
        ++group->rows;
        group->chunks.begin = pl_smaller(group->chunks.begin, chunks.begin);
        group->chunks.end = pl_larger(group->chunks.end, chunks.end);
    } else {
        plan->groups[plan->group_count++] = (row_group){.row = row, .rows = 1, .chunks = chunks};
    }
    int64_t positions = pl_row_end(&rows[row]) - pl_row_begin(&plan->call, &rows[row]);
    plan->work += 2 * positions * plan->call.heads * plan->call.shape.head_dim;
    plan->chunk_limit = pl_larger(plan->chunk_limit, chunks.end - chunks.begin);
}

static void number_items(attention_plan *plan) {
    for (int64_t g = 0; g < plan->group_count; ++g) {
        row_group *group = &plan->groups[g];
        group->first_item = plan->chunk_items;
        plan->chunk_items += (group->chunks.end - group->chunks.begin) * plan->call.shape.kv_heads;
    }
}

/// The block of (group, KV head) that begins with query `first`.
static pl_attention_block block_at(const attention_plan *plan, const row_group *group, int64_t kv_head, int64_t first) {
    int64_t queries = group->rows * queries_per_kv_head(plan);
    return (pl_attention_block){
        .row = group->row,
        .kv_head = kv_head,
        .first = first,
        .count = (int)pl_smaller(PL_ATTENTION_QUERIES, queries - first),
    };
}

/// Row and head of query `first + i` of a block.
static void locate(const attention_plan *plan, const pl_attention_block *block, int i, int64_t *row, int64_t *head) {
    int64_t group = queries_per_kv_head(plan), query = block->first + i;
    *row = block->row + query / group;
    *head = block->kv_head * group + query % group;
}

// MARK: Walking all chunks of (group, KV head)

/// One chunk of one block, added to the totals of its queries. The first chunk of a row goes straight to its output.
static void walk_block(const attention_plan *plan, const pl_attention_block *block, int64_t chunk, pl_partial *totals) {
    _Alignas(64) float values[PL_ATTENTION_QUERIES][PL_HEAD_DIM_LIMIT];
    pl_partial partials[PL_ATTENTION_QUERIES];
    chunk_range chunks[PL_ATTENTION_QUERIES];
    for (int i = 0; i < block->count; ++i) {
        int64_t row, head;
        locate(plan, block, i, &row, &head);
        chunks[i] = row_chunks(plan, row);
        partials[i].values = chunk == chunks[i].begin ? pl_output(&plan->call, row, head) : values[i];
    }
    plan->kernels->chunk[plan->call.shape.type](&plan->call, block, chunk, partials);
    for (int i = 0; i < block->count; ++i) {
        if (chunk < chunks[i].begin || chunk >= chunks[i].end) continue;
        if (chunk == chunks[i].begin) totals[i] = partials[i];
        else plan->kernels->combine(&totals[i], &partials[i], plan->call.shape.head_dim);
    }
}

static void walk(void *context, int64_t item, int thread) {
    (void)thread;
    const attention_plan *plan = context;
    // Later groups of a prompt have longer contexts. They come first, so that no thread ends with a long one.
    const row_group *group = &plan->groups[plan->group_count - 1 - item / plan->call.shape.kv_heads];
    int64_t kv_head = item % plan->call.shape.kv_heads, queries = group->rows * queries_per_kv_head(plan);
    pl_partial totals[PL_QUERY_GROUP_LIMIT];
    for (int64_t chunk = group->chunks.begin; chunk < group->chunks.end; ++chunk) {
        for (int64_t first = 0; first < queries; first += PL_ATTENTION_QUERIES) {
            pl_attention_block block = block_at(plan, group, kv_head, first);
            walk_block(plan, &block, chunk, totals + first);
        }
    }
    pl_attention_block all = {.row = group->row, .kv_head = kv_head};
    for (int64_t i = 0; i < queries; ++i) {
        int64_t row, head;
        locate(plan, &all, (int)i, &row, &head);
        if (pl_row_end(&plan->call.rows[row]) == 0) continue;
        plan->kernels->finish(&totals[i], pl_output(&plan->call, row, head), plan->call.shape.head_dim);
    }
}

// MARK: Chunks one by one

/// Where the partial of (row, head, chunk) is kept; NULL if the row has no position in the chunk.
static float *stored_partial(const attention_plan *plan, int64_t row, int64_t head, int64_t chunk) {
    chunk_range chunks = row_chunks(plan, row);
    if (chunk < chunks.begin || chunk >= chunks.end) return NULL;
    int64_t index = (row * plan->call.heads + head) * plan->chunk_limit + chunk - chunks.begin;
    return plan->partials + index * partial_stride(plan);
}

static const row_group *group_of_item(const attention_plan *plan, int64_t item) {
    int64_t low = 0, high = plan->group_count;
    while (high - low > 1) {
        int64_t middle = (low + high) / 2;
        if (plan->groups[middle].first_item <= item) low = middle;
        else high = middle;
    }
    return &plan->groups[low];
}

static void compute_chunk(void *context, int64_t item, int thread) {
    (void)thread;
    const attention_plan *plan = context;
    const row_group *group = group_of_item(plan, item);
    int64_t kv_heads = plan->call.shape.kv_heads, kv_head = (item - group->first_item) % kv_heads;
    int64_t chunk = group->chunks.begin + (item - group->first_item) / kv_heads;
    int64_t queries = group->rows * queries_per_kv_head(plan);
    for (int64_t first = 0; first < queries; first += PL_ATTENTION_QUERIES) {
        pl_attention_block block = block_at(plan, group, kv_head, first);
        pl_partial partials[PL_ATTENTION_QUERIES];
        float *stored[PL_ATTENTION_QUERIES];
        for (int i = 0; i < block.count; ++i) {
            int64_t row, head;
            locate(plan, &block, i, &row, &head);
            stored[i] = stored_partial(plan, row, head, chunk);
            partials[i].values = stored[i] ? stored[i] + PARTIAL_HEADER : NULL;
        }
        plan->kernels->chunk[plan->call.shape.type](&plan->call, &block, chunk, partials);
        for (int i = 0; i < block.count; ++i) {
            if (!stored[i]) continue;
            stored[i][0] = partials[i].largest;
            stored[i][1] = partials[i].sum;
        }
    }
}

static void combine_chunks(void *context, int64_t item, int thread) {
    (void)thread;
    const attention_plan *plan = context;
    int64_t row = item / plan->call.heads, head = item % plan->call.heads, dim = plan->call.shape.head_dim;
    chunk_range chunks = row_chunks(plan, row);
    pl_partial total = {.values = pl_output(&plan->call, row, head)};
    for (int64_t chunk = chunks.begin; chunk < chunks.end; ++chunk) {
        float *stored = stored_partial(plan, row, head, chunk);
        pl_partial next = {.largest = stored[0], .sum = stored[1], .values = stored + PARTIAL_HEADER};
        if (chunk == chunks.begin) {
            total.largest = next.largest;
            total.sum = next.sum;
            memcpy(total.values, next.values, (size_t)dim * sizeof(float));
        } else {
            plan->kernels->combine(&total, &next, dim);
        }
    }
    if (chunks.begin < chunks.end) plan->kernels->finish(&total, total.values, dim);
}

// MARK: Entry

static void whole_query(void *context, int64_t item, int thread) {
    (void)thread;
    const attention_plan *plan = context;
    plan->kernels->whole(&plan->call, item / plan->call.heads, item % plan->call.heads);
}

static void run(const attention_plan *plan, pl_pool *pool, int64_t items, pl_task task) {
    if (plan->work >= PL_ATTENTION_SMALL_CALL) {
        pl_pool_run(pool, items, task, (void *)plan);
    } else {
        for (int64_t item = 0; item < items; ++item) task((void *)plan, item, 0);
    }
}

/// Bytes of all quantised queries.
static size_t queries_bytes(const attention_plan *plan, int64_t count) {
    if (plan->call.shape.type != PL_KV_INT8) return 0;
    return (size_t)(count * plan->call.heads * pl_int8_query_bytes(plan->call.shape.head_dim));
}

/// Groups the rows into a table in scratch memory, followed by room for quantised queries and `extra` more bytes. NULL
/// if there is no memory for the extra bytes. Without memory for the rest the process ends.
static void *group_rows(attention_plan *plan, int64_t count, size_t extra) {
    size_t table = ((size_t)count * sizeof(row_group) + 63) / 64 * 64, queries = queries_bytes(plan, count);
    char *memory = pl_scratch(table + queries + extra);
    if (!memory && extra > 0) return NULL;
    if (!memory) {
        fprintf(stderr, "out of memory for attention over %lld rows\n", (long long)count);
        abort();
    }
    plan->groups = (row_group *)memory;
    plan->queries = (uint8_t *)memory + table;
    plan->group_count = plan->chunk_items = plan->chunk_limit = plan->work = 0;
    for (int64_t row = 0; row < count; ++row) add_row(plan, row);
    number_items(plan);
    return memory + table + queries;
}

/// Whether chunks become items. If so, there is memory for their partials.
static int splits_by_chunk(attention_plan *plan, int64_t count, int threads) {
    int64_t walks = plan->group_count * plan->call.shape.kv_heads;
    if (threads == 1 || walks >= PL_ATTENTION_WALKS_PER_THREAD * threads) return 0;
    if (plan->work < PL_ATTENTION_SMALL_CALL || plan->chunk_limit < 2) return 0;
    size_t bytes = (size_t)(count * plan->call.heads * plan->chunk_limit * partial_stride(plan)) * sizeof(float);
    if (bytes > PL_ATTENTION_PARTIALS_BYTES) return 0;
    plan->partials = group_rows(plan, count, bytes);
    if (!plan->partials) group_rows(plan, count, 0);
    return plan->partials != NULL;
}

static void quantise_query(void *context, int64_t item, int thread) {
    (void)thread;
    const attention_plan *plan = context;
    const pl_attention_call *call = &plan->call;
    int64_t dim = call->shape.head_dim;
    const float *q = pl_query(call, item / call->heads, item % call->heads);
    pl_int8_quantise_query(q, dim, call->scale, plan->queries + item * pl_int8_query_bytes(dim));
}

static void quantise_queries(attention_plan *plan, pl_pool *pool, int64_t count) {
    if (plan->call.shape.type != PL_KV_INT8) return;
    int64_t items = count * plan->call.heads;
    if (items >= PL_ATTENTION_POOLED_QUERIES) {
        pl_pool_run(pool, items, quantise_query, plan);
    } else {
        for (int64_t item = 0; item < items; ++item) quantise_query(plan, item, 0);
    }
    plan->call.int8_queries = plan->queries;
}

void pl_attention(
    pl_isa isa, pl_pool *pool, pl_kv_shape shape, int64_t layer, int64_t heads, float scale, int64_t window,
    const pl_attention_row *rows, int64_t count, const float *q, int64_t q_stride, float *out, int64_t out_stride) {
    attention_plan plan = {
        .call = {
            .shape = shape, .layer = layer, .heads = heads, .scale = scale, .window = window, .rows = rows, .q = q,
            .q_stride = q_stride, .out = out, .out_stride = out_stride,
        },
        .kernels = PL_VARIANT(isa, &pl_attention),
    };
    if (count == 0) return;
    if (plan.kernels->whole) {
        pl_pool_run(pool, count * heads, whole_query, &plan);
        return;
    }
    for (int64_t row = 0; row < count; ++row) {
        if (pl_row_end(&rows[row]) > 0) continue;
        memset(pl_output(&plan.call, row, 0), 0, (size_t)(heads * shape.head_dim) * sizeof(float));
    }
    group_rows(&plan, count, 0);
    int splits = splits_by_chunk(&plan, count, pl_pool_threads(pool));
    quantise_queries(&plan, pool, count);
    if (splits) {
        run(&plan, pool, plan.chunk_items, compute_chunk);
        run(&plan, pool, count * heads, combine_chunks);
    } else {
        run(&plan, pool, plan.group_count * shape.kv_heads, walk);
    }
}
