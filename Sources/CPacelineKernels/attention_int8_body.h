// Attention over int8 pages, on sixteen lanes. Included once per instruction set, after attention_common_body.h, with
//   INT8_TILES     key tiles (16 slots each) whose scores are computed side by side, 1 or 2
//   INT8_VECTORS   vectors of 16 output dimensions that are accumulated side by side, 1 or 2
// Integer sums have the same bits in any order, so that only what is done in float32 follows the scalar twin.

enum {
    CODE_BYTES = PL_KV_QUAD * LANES,  ///< bytes of codes in a vector
    KEYS_AHEAD = 2 * LANES,           ///< slots by which keys are prefetched
};

/// What is computed for one block in one chunk over int8 pages.
typedef struct int8_work {
    chunk_work chunk;
    pl_int8_query q[QUERIES];
    pl_int8_head pages[CHUNK / PL_PAGE_SLOTS];  ///< those of the base positions
    const uint8_t *next;                        ///< the first keys of the next chunk, or something else to read
    float units[QUERIES];                       ///< what a weight of 1 is worth
    _Alignas(64) float scales[CHUNK];           ///< of one row's values
    _Alignas(64) int8_t high[QUERIES][CHUNK];   ///< weights of the base positions are 256 * high + low
    _Alignas(64) int8_t low[QUERIES][CHUNK];
    _Alignas(64) int32_t sums[QUERIES][PL_HEAD_DIM_LIMIT];
} int8_work;

// MARK: Scores

/// scores[i * stride + 16 t + lane] = q[i] . key tile t; tiles and their scales follow one another. As much as is read
/// is prefetched from each of `ahead`.
PL_INLINE void score_int8_tiles(
    int queries, int tiles, const pl_int8_query *q, const uint8_t *keys, const uint16_t *scales,
    const uint8_t *const *ahead, int64_t dim, float *scores, int64_t stride) {
    int64_t blocks = pl_int8_blocks(dim);
    vf sums[QUERIES][2];
    for (int i = 0; i < queries; i++) {
        for (int t = 0; t < tiles; t++) sums[i][t] = vf_set1(0);
    }
    for (int64_t block = 0; block < blocks; block++) {
        vi dots[QUERIES][2];
        for (int i = 0; i < queries; i++) {
            for (int t = 0; t < tiles; t++) dots[i][t] = vi_set1(-PL_DOT_OFFSET * q[i].sums[block]);
        }
        int64_t end = smaller(dim, (block + 1) * PL_KV_BLOCK);
        for (int64_t d = block * PL_KV_BLOCK; d < end; d += PL_KV_QUAD) {
            vc codes[2];
            for (int t = 0; t < tiles; t++) codes[t] = vc_load(keys + (t * dim + d) * LANES);
            for (int t = 0; t < tiles; t++) {
                __builtin_prefetch(ahead[0] + (t * dim + d) * LANES);
                __builtin_prefetch(ahead[1] + (t * dim + d) * LANES);
            }
            for (int i = 0; i < queries; i++) {
                for (int t = 0; t < tiles; t++) dots[i][t] = vi_dot(dots[i][t], codes[t], q[i].codes + d);
            }
        }
        vf scale[2];
        for (int t = 0; t < tiles; t++) scale[t] = vf_load_half(scales + (t * blocks + block) * LANES);
        for (int i = 0; i < queries; i++) {
            vf own = vf_set1(q[i].scales[block]);
            for (int t = 0; t < tiles; t++) {
                sums[i][t] = vf_fma(vi_to_float(dots[i][t]), vf_mul(scale[t], own), sums[i][t]);
            }
        }
    }
    for (int i = 0; i < queries; i++) {
        for (int t = 0; t < tiles; t++) vf_store(scores + i * stride + t * LANES, sums[i][t]);
    }
}

#define PL_INT8_SCORE_CASE(n) \
    case n: \
        if (tiles == 1) score_int8_tiles(n, 1, q, keys, scales, ahead, dim, scores, stride); \
        else score_int8_tiles(n, INT8_TILES, q, keys, scales, ahead, dim, scores, stride); \
        break;

/// The same for run-time counts: `tiles` is 1 or INT8_TILES.
PL_LANES_TARGET static void score_int8(
    int queries, int tiles, const pl_int8_query *q, pl_int8_head page, int64_t slot, const uint8_t *const *ahead,
    int64_t dim, float *scores, int64_t stride) {
    const uint8_t *keys = page.keys + slot / LANES * LANES * dim;
    const uint16_t *scales = page.key_scales + slot / LANES * LANES * pl_int8_blocks(dim);
    switch (queries) {
        PL_INT8_SCORE_CASE(1)
        PL_INT8_SCORE_CASE(2)
        PL_INT8_SCORE_CASE(3)
        PL_INT8_SCORE_CASE(4)
        PL_INT8_SCORE_CASE(5)
        PL_INT8_SCORE_CASE(6)
    }
}

PL_LANES_TARGET static void score_int8_tile(
    const chunk_work *work, const pl_attention_row *row, int first, int count, int64_t slot, float *scores) {
    pl_int8_head page = pl_int8_head_of(work->call, row, work->block->kv_head, slot);
    const pl_int8_query *q = ((const int8_work *)work)->q + first;
    const uint8_t *const ahead[2] = {page.keys, page.values};
    score_int8(count, 1, q, page, slot % PL_PAGE_SLOTS, ahead, work->call->shape.head_dim, scores, LANES);
}

/// Scores of all queries against the base positions of the chunk, by whole tiles.
PL_LANES_TARGET static void score_int8_base(int8_work *int8, span base) {
    chunk_work *work = &int8->chunk;
    int64_t position = base.begin / LANES * LANES, dim = work->call->shape.head_dim;
    while (position < base.end) {
        int whole = position % (INT8_TILES * LANES) == 0 && base.end - position > (INT8_TILES - 1) * LANES;
        int tiles = whole ? INT8_TILES : 1;
        pl_int8_head page = int8->pages[position / PL_PAGE_SLOTS];
        int64_t slot = position % PL_PAGE_SLOTS, next = position + KEYS_AHEAD;
        const uint8_t *ahead[2] = {page.values + slot * dim, page.values + slot * dim};
        if (next < base.end) ahead[1] = int8->pages[next / PL_PAGE_SLOTS].keys + next % PL_PAGE_SLOTS * dim;
        score_int8(work->block->count, tiles, int8->q, page, slot, ahead, dim, &work->scores[0][position], CHUNK);
        position += tiles * LANES;
    }
}

// MARK: Weights

/// The scales of a row's values, 0 beyond its positions.
PL_LANES_TARGET static void load_scales(int8_work *int8, const pl_attention_row *row, span s) {
    const chunk_work *work = &int8->chunk;
    int64_t from = s.begin / LANES * LANES, to = (s.end + LANES - 1) / LANES * LANES;
    for (int64_t p = from; p < s.base && s.begin < s.base; p += LANES) {
        vf_store(int8->scales + p, vf_load_half(int8->pages[p / PL_PAGE_SLOTS].value_scales + p % PL_PAGE_SLOTS));
    }
    for (int64_t p = s.base; p < s.end; p++) {
        int64_t slot = pl_logical_slot(row, work->start + p);
        pl_int8_head page = pl_int8_head_of(work->call, row, work->block->kv_head, slot);
        int8->scales[p] = pl_half_value(page.value_scales[slot % PL_PAGE_SLOTS]);
    }
    for (int64_t p = from; p < s.begin; p++) int8->scales[p] = 0;
    for (int64_t p = s.end; p < to; p++) int8->scales[p] = 0;
}

/// Turns the weights of query i, times the scales of their values, into integers, and starts its sums.
PL_LANES_TARGET static void quantise_weights(int8_work *int8, int i, span s) {
    float *weights = int8->chunk.scores[i];
    int64_t from = s.begin / LANES * LANES, to = (s.end + LANES - 1) / LANES * LANES;
    vf most = vf_set1(0);
    for (int64_t p = from; p < to; p += LANES) {
        vf weight = vf_mul(vf_load(weights + p), vf_load(int8->scales + p));
        vf_store(weights + p, weight);
        most = vf_max(weight, most);
    }
    float largest = largest_lane(most);
    vf inverse = vf_set1(largest > PL_WEIGHT_TINY ? PL_WEIGHT_LIMIT / largest : 0);
    vf rounder = vf_set1(0x1.8p23f);
    vi total = vi_set1(0);
    for (int64_t p = from; p < to; p += LANES) {
        vf rounded = vf_add(vf_mul(vf_load(weights + p), inverse), rounder);
        vi code = vi_sub(vf_bits(rounded), vf_bits(rounder));
        // The low digit is -128 ... 127, and the high one what that leaves.
        vi carried = vi_add(code, vi_set1(128));
        vi_store_bytes(int8->low[i] + p, code);
        vi_store_bytes(int8->high[i] + p, vi_shift_arithmetic(carried, 8));
        total = vi_add(total, code);
    }
    int8->units[i] = largest / PL_WEIGHT_LIMIT;
    vi start = vi_set1((int32_t)(-(uint32_t)PL_DOT_OFFSET * (uint32_t)vi_sum(total)));
    for (int64_t d = 0; d < int8->chunk.call->shape.head_dim; d += LANES) vi_store(int8->sums[i] + d, start);
}

// MARK: Values

/// Adds the values of the path of row r, and takes its weights away from the base.
PL_LANES_TARGET static void add_path(int8_work *int8, int64_t r) {
    const chunk_work *work = &int8->chunk;
    const pl_attention_row *row = row_of(work, r);
    span s = work->spans[r];
    int64_t dim = work->call->shape.head_dim;
    for (int64_t p = s.base; p < s.end; p++) {
        int64_t slot = pl_logical_slot(row, work->start + p), quad = slot % PL_PAGE_SLOTS / PL_KV_QUAD;
        pl_int8_head page = pl_int8_head_of(work->call, row, work->block->kv_head, slot);
        const uint8_t *values = page.values + quad * PL_KV_QUAD * dim;
        for (int i = work->first[r]; i < work->first[r + 1]; i++) {
            int8_t high[PL_KV_QUAD] = {0}, low[PL_KV_QUAD] = {0};
            high[slot % PL_KV_QUAD] = int8->high[i][p];
            low[slot % PL_KV_QUAD] = int8->low[i][p];
            int8->high[i][p] = int8->low[i][p] = 0;
            for (int64_t d = 0; d < dim; d += LANES) {
                vc codes = vc_load(values + d * PL_KV_QUAD);
                vi sum = vi_shift_left(vi_dot(vi_set1(0), codes, high), 8);
                vi_store(int8->sums[i] + d, vi_add(vi_load(int8->sums[i] + d), vi_dot(sum, codes, low)));
            }
        }
    }
}

/// Adds the values of quads first ..< end of the base positions to dimensions d ..< d + 16 vectors of all queries.
PL_INLINE void add_quads(
    int queries, int vectors, int8_work *int8, int64_t dim, int64_t d, int64_t first, int64_t end) {
    const uint8_t *next = int8->next + d / (vectors * LANES) * (end - first) * CODE_BYTES;
    vi high[QUERIES][2], low[QUERIES][2];
    for (int i = 0; i < queries; i++) {
        for (int v = 0; v < vectors; v++) {
            high[i][v] = vi_set1(0);
            low[i][v] = vi_load(int8->sums[i] + d + v * LANES);
        }
    }
    for (int64_t quad = first; quad < end; quad++) {
        const pl_int8_head *page = &int8->pages[quad / (PL_PAGE_SLOTS / PL_KV_QUAD)];
        const uint8_t *values = page->values + (quad % (PL_PAGE_SLOTS / PL_KV_QUAD) * dim + d) * PL_KV_QUAD;
        vc codes[2];
        for (int v = 0; v < vectors; v++) codes[v] = vc_load(values + v * CODE_BYTES);
        __builtin_prefetch(next + (quad - first) * CODE_BYTES, 0, 2);
        for (int i = 0; i < queries; i++) {
            for (int v = 0; v < vectors; v++) {
                high[i][v] = vi_dot(high[i][v], codes[v], int8->high[i] + quad * PL_KV_QUAD);
                low[i][v] = vi_dot(low[i][v], codes[v], int8->low[i] + quad * PL_KV_QUAD);
            }
        }
    }
    for (int i = 0; i < queries; i++) {
        for (int v = 0; v < vectors; v++) {
            vi_store(int8->sums[i] + d + v * LANES, vi_add(low[i][v], vi_shift_left(high[i][v], 8)));
        }
    }
}

#define PL_INT8_VALUE_CASE(n) \
    case n: \
        for (; d + INT8_VECTORS * LANES <= dim; d += INT8_VECTORS * LANES) \
            add_quads(n, INT8_VECTORS, int8, dim, d, first, end); \
        for (; d < dim; d += LANES) add_quads(n, 1, int8, dim, d, first, end); \
        break;

/// The same for all dimensions and run-time counts.
PL_LANES_TARGET static void add_base(int8_work *int8, span base) {
    int64_t d = 0, dim = int8->chunk.call->shape.head_dim;
    int64_t first = base.begin / PL_KV_QUAD, end = (base.end + PL_KV_QUAD - 1) / PL_KV_QUAD;
    switch (int8->chunk.block->count) {
        PL_INT8_VALUE_CASE(1)
        PL_INT8_VALUE_CASE(2)
        PL_INT8_VALUE_CASE(3)
        PL_INT8_VALUE_CASE(4)
        PL_INT8_VALUE_CASE(5)
        PL_INT8_VALUE_CASE(6)
    }
}

// MARK: Chunk

static void prepare_int8(int8_work *int8, span base) {
    const chunk_work *work = &int8->chunk;
    const pl_attention_call *call = work->call;
    int64_t dim = call->shape.head_dim, kv_head = work->block->kv_head;
    for (int i = 0; i < work->block->count; i++) {
        int64_t query = work->block->first + i, head = kv_head * work->group + query % work->group;
        int64_t number = (work->block->row + query / work->group) * call->heads + head;
        int8->q[i] = pl_int8_query_at(call->int8_queries + number * pl_int8_query_bytes(dim), dim);
    }
    for (int64_t p = base.begin / PL_PAGE_SLOTS * PL_PAGE_SLOTS; p < base.end; p += PL_PAGE_SLOTS) {
        int8->pages[p / PL_PAGE_SLOTS] = pl_int8_head_of(call, row_of(work, 0), kv_head, work->start + p);
    }
    int64_t after = work->start + CHUNK;
    int8->next = after < row_of(work, 0)->base ? pl_int8_head_of(call, row_of(work, 0), kv_head, after).keys : NULL;
    if (!int8->next) int8->next = (const uint8_t *)int8->scales;
    memset(int8->high, 0, sizeof int8->high);
    memset(int8->low, 0, sizeof int8->low);
}

PL_LANES_TARGET static void finish_sums(const int8_work *int8, int i, float *values) {
    vf unit = vf_set1(int8->units[i]);
    for (int64_t d = 0; d < int8->chunk.call->shape.head_dim; d += LANES) {
        vf_store(values + d, vf_mul(vi_to_float(vi_load(int8->sums[i] + d)), unit));
    }
}

PL_LANES_TARGET static void PL_LANES(chunk_int8)(
    const pl_attention_call *call, const pl_attention_block *block, int64_t chunk, pl_partial *partials) {
    int8_work int8;
    chunk_work *work = &int8.chunk;
    prepare(work, call, block, chunk);
    span base = base_span(work);
    prepare_int8(&int8, base);
    score_int8_base(&int8, base);
    for (int64_t r = 0; r < work->row_count; r++) {
        span s = work->spans[r];
        if (s.begin >= s.end) continue;
        if (s.base < s.end) score_path(work, r, score_int8_tile);
        load_scales(&int8, row_of(work, r), s);
        for (int i = work->first[r]; i < work->first[r + 1]; i++) {
            soften(work->scores[i], s.begin, s.end, &partials[i]);
            quantise_weights(&int8, i, s);
        }
        add_path(&int8, r);
    }
    if (base.begin < base.end) add_base(&int8, base);
    for (int64_t r = 0; r < work->row_count; r++) {
        if (work->spans[r].begin >= work->spans[r].end) continue;
        for (int i = work->first[r]; i < work->first[r + 1]; i++) finish_sums(&int8, i, partials[i].values);
    }
}
