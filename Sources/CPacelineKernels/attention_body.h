// Attention over float16 pages, on sixteen lanes. Included once per instruction set, after attention_common_body.h,
// with
//   SCORE_TILES     key tiles (16 slots each) whose scores are computed side by side, 1 or 4
//   VALUE_VECTORS   vectors of 16 output dimensions that are accumulated side by side, 1 or 4
// chosen so that PL_ATTENTION_QUERIES times either of them fits into the registers.

enum {
    VALUE_SLOTS = 64,   ///< values that stay in the first-level cache while the dimensions are added group by group
    VALUES_AHEAD = 32,  ///< how far ahead values are prefetched
};

/// What is computed for one block in one chunk over float16 pages.
typedef struct half_work {
    chunk_work chunk;
    const float *q[QUERIES];
    const uint16_t *values[CHUNK + VALUES_AHEAD];  ///< of the base positions, then what will be read after them
} half_work;

/// scores[i * stride + 16 t + lane] = q[i] . key tile t, times the scale; tiles are dim x 16 and follow one another.
/// As much as is read here is prefetched from `ahead`.
PL_INLINE void score_tiles(
    int queries, int tiles, const float *const *q, const uint16_t *keys, const uint16_t *ahead, int64_t dim,
    float scale, float *scores, int64_t stride) {
    vf sums[QUERIES][4];
    for (int i = 0; i < queries; i++) {
        for (int t = 0; t < tiles; t++) sums[i][t] = vf_set1(0);
    }
    for (int64_t d = 0; d < dim; d++) {
        vf key[4];
        for (int t = 0; t < tiles; t++) key[t] = vf_load_half(keys + (t * dim + d) * LANES);
        for (int t = 0; t < tiles; t += 2) __builtin_prefetch(ahead + (d * tiles + t) * LANES);
        for (int i = 0; i < queries; i++) {
            vf element = vf_set1(q[i][d]);
            for (int t = 0; t < tiles; t++) sums[i][t] = vf_fma(element, key[t], sums[i][t]);
        }
    }
    for (int i = 0; i < queries; i++) {
        for (int t = 0; t < tiles; t++) vf_store(scores + i * stride + t * LANES, vf_mul(sums[i][t], vf_set1(scale)));
    }
}

#define PL_SCORE_CASE(n) \
    case n: \
        if (tiles == 1) score_tiles(n, 1, q, keys, ahead, dim, scale, scores, stride); \
        else score_tiles(n, SCORE_TILES, q, keys, ahead, dim, scale, scores, stride); \
        break;

/// The same for run-time counts: `tiles` is 1 or SCORE_TILES.
PL_LANES_TARGET static void score(
    int queries, int tiles, const float *const *q, const uint16_t *keys, const uint16_t *ahead, int64_t dim,
    float scale, float *scores, int64_t stride) {
    switch (queries) {
        PL_SCORE_CASE(1)
        PL_SCORE_CASE(2)
        PL_SCORE_CASE(3)
        PL_SCORE_CASE(4)
        PL_SCORE_CASE(5)
        PL_SCORE_CASE(6)
    }
}

/// Notes where the values of base positions begin ..< end lie, and after them the keys of the next chunk.
static void locate_values(half_work *half, int64_t begin, int64_t end) {
    const chunk_work *work = &half->chunk;
    const pl_attention_row *row = row_of(work, 0);
    int64_t dim = work->call->shape.head_dim, kv_head = work->block->kv_head;
    const uint16_t *next = pl_value_row(work->call, row, kv_head, work->start + begin);
    for (int64_t p = begin; p < end; p++) {
        if (p % PL_PAGE_SLOTS == 0) next = pl_value_row(work->call, row, kv_head, work->start + p);
        half->values[p] = next;
        next += dim;
    }
    int more = work->start + CHUNK < row->base;
    if (more) next = pl_key_tile(work->call, row, kv_head, work->start + CHUNK);
    for (int64_t p = 0; p < VALUES_AHEAD; p++) half->values[end + p] = more ? next + p * dim : half->values[end - 1];
}

/// Scores of all queries against the base positions of the chunk. Tiles are computed whole: what lies beyond a row's
/// own positions is overwritten or ignored.
PL_LANES_TARGET static void score_base(half_work *half) {
    chunk_work *work = &half->chunk;
    span base = base_span(work);
    int64_t begin = base.begin, end = base.end, dim = work->call->shape.head_dim;
    if (begin >= end) return;
    locate_values(half, begin, end);
    int64_t position = begin / LANES * LANES;
    while (position < end) {
        int whole = position % (SCORE_TILES * LANES) == 0 && end - position > (SCORE_TILES - 1) * LANES;
        int tiles = whole ? SCORE_TILES : 1;
        int64_t next = position + tiles * LANES;
        const pl_attention_row *row = row_of(work, 0);
        const uint16_t *keys = pl_key_tile(work->call, row, work->block->kv_head, work->start + position);
        const uint16_t *ahead = half->values[begin];
        if (next < end) ahead = pl_key_tile(work->call, row, work->block->kv_head, work->start + next);
        score(
            work->block->count, tiles, half->q, keys, ahead, dim, work->call->scale, &work->scores[0][position], CHUNK);
        position = next;
    }
}

PL_LANES_TARGET static void score_half_tile(
    const chunk_work *work, const pl_attention_row *row, int first, int count, int64_t slot, float *scores) {
    const half_work *half = (const half_work *)work;
    const uint16_t *tile = pl_key_tile(work->call, row, work->block->kv_head, slot);
    score(
        count, 1, half->q + first, tile, tile, work->call->shape.head_dim, work->call->scale, scores, LANES);
}

/// Adds weights[i * CHUNK + p] * values[p] for p in 0 ..< count in order to dimensions d ..< d + 16 vectors of partial
/// i. `values` goes VALUES_AHEAD beyond the count.
PL_INLINE void add_values(
    int queries, int vectors, const float *weights, const uint16_t *const *values, int64_t d, int64_t count,
    const pl_partial *partials) {
    vf sums[QUERIES][4];
    for (int i = 0; i < queries; i++) {
        for (int v = 0; v < vectors; v++) sums[i][v] = vf_load(partials[i].values + d + v * LANES);
    }
    for (int64_t p = 0; p < count; p++) {
        vf value[4];
        for (int v = 0; v < vectors; v++) value[v] = vf_load_half(values[p] + d + v * LANES);
        for (int v = 0; v < vectors; v += 2) __builtin_prefetch(values[p + VALUES_AHEAD] + d + v * LANES);
        for (int i = 0; i < queries; i++) {
            vf weight = vf_set1(weights[i * CHUNK + p]);
            for (int v = 0; v < vectors; v++) sums[i][v] = vf_fma(weight, value[v], sums[i][v]);
        }
    }
    for (int i = 0; i < queries; i++) {
        for (int v = 0; v < vectors; v++) vf_store(partials[i].values + d + v * LANES, sums[i][v]);
    }
}

#define PL_VALUE_CASE(n) \
    case n: \
        for (; d + VALUE_VECTORS * LANES <= dim; d += VALUE_VECTORS * LANES) \
            add_values(n, VALUE_VECTORS, weights, values, d, count, partials); \
        for (; d < dim; d += LANES) add_values(n, 1, weights, values, d, count, partials); \
        break;

/// The same for all dimensions and run-time counts.
PL_LANES_TARGET static void accumulate(
    int queries, const float *weights, const uint16_t *const *values, int64_t dim, int64_t total,
    const pl_partial *partials) {
    while (total > 0) {
        int64_t d = 0, count = smaller(total, VALUE_SLOTS);
        switch (queries) {
            PL_VALUE_CASE(1)
            PL_VALUE_CASE(2)
            PL_VALUE_CASE(3)
            PL_VALUE_CASE(4)
            PL_VALUE_CASE(5)
            PL_VALUE_CASE(6)
        }
        weights += count;
        values += count;
        total -= count;
    }
}

/// Adds the values of one row's positions begin ..< end, base or path.
static void accumulate_row(
    const chunk_work *work, int64_t r, int64_t begin, int64_t end, const pl_partial *partials) {
    if (begin >= end) return;
    const pl_attention_row *row = row_of(work, r);
    const uint16_t *values[CHUNK + VALUES_AHEAD];
    for (int64_t p = begin; p < end; p++) {
        int64_t slot = pl_logical_slot(row, work->start + p);
        values[p] = pl_value_row(work->call, row, work->block->kv_head, slot);
    }
    for (int64_t p = 0; p < VALUES_AHEAD; p++) values[end + p] = values[end - 1];
    int first = work->first[r], count = work->first[r + 1] - first;
    accumulate(
        count, &work->scores[first][begin], values + begin, work->call->shape.head_dim, end - begin, partials + first);
}

/// Adds the values of all rows: those of the base positions that all rows have together, what comes before and after
/// row by row.
static void accumulate_rows(const half_work *half, const pl_partial *partials) {
    const chunk_work *work = &half->chunk;
    int64_t begin = 0, end = CHUNK;
    for (int64_t r = 0; r < work->row_count; r++) {
        begin = larger(begin, work->spans[r].begin);
        end = smaller(end, work->spans[r].base);
    }
    if (begin >= end) begin = end = CHUNK;
    for (int64_t r = 0; r < work->row_count; r++) {
        accumulate_row(work, r, work->spans[r].begin, smaller(begin, work->spans[r].end), partials);
    }
    if (begin == CHUNK) return;
    accumulate(
        work->block->count, &work->scores[0][begin], half->values + begin, work->call->shape.head_dim, end - begin,
        partials);
    for (int64_t r = 0; r < work->row_count; r++) accumulate_row(work, r, end, work->spans[r].end, partials);
}

PL_LANES_TARGET static void PL_LANES(chunk)(
    const pl_attention_call *call, const pl_attention_block *block, int64_t chunk, pl_partial *partials) {
    half_work half;
    chunk_work *work = &half.chunk;
    prepare(work, call, block, chunk);
    for (int i = 0; i < block->count; i++) {
        int64_t query = block->first + i, head = block->kv_head * work->group + query % work->group;
        half.q[i] = pl_query(call, block->row + query / work->group, head);
    }
    score_base(&half);
    for (int64_t r = 0; r < work->row_count; r++) {
        span s = work->spans[r];
        if (s.base < s.end) score_path(work, r, score_half_tile);
        for (int i = work->first[r]; i < work->first[r + 1] && s.begin < s.end; i++) {
            soften(work->scores[i], s.begin, s.end, &partials[i]);
            memset(partials[i].values, 0, (size_t)call->shape.head_dim * sizeof(float));
        }
    }
    accumulate_rows(&half, partials);
}
