// KV pages and attention over them: trees below a sequence, prompts, sliding windows, several threads.

#include "paceline/attention.h"

#include <stdlib.h>
#include <string.h>

#include "comparison.h"
#include "families.h"
#include "inputs.h"

/// A sequence of `base` tokens with a tree of `nodes` nodes, in pages whose other slots hold random bits.
typedef struct sequence {
    pl_kv_shape shape;
    int64_t layer;
    int64_t base;
    int64_t nodes;
    int64_t page_count;
    uint16_t **pages;
    pl_attention_row *rows;  ///< the nodes
    int32_t *paths;          ///< (nodes x nodes)
} sequence;

static uint16_t *random_page(inputs *in, pl_kv_shape shape) {
    const size_t halves = pl_kv_page_bytes(shape) / sizeof(uint16_t);
    uint16_t *page = allocate(halves * sizeof *page);
    for (size_t i = 0; i < halves; ++i) page[i] = (uint16_t)next(in);
    return page;
}

static void store_token(inputs *in, const sequence *s, int64_t slot) {
    const size_t width = (size_t)(s->shape.kv_heads * s->shape.head_dim);
    float *key = floats(in, width, 3), *value = floats(in, width, 1);
    uint16_t *page = s->pages[slot / PL_PAGE_SLOTS];
    pl_kv_store(PL_ISA_SCALAR, s->shape, s->layer, page, slot % PL_PAGE_SLOTS, key, value);
    free(key);
    free(value);
}

/// The slots after the base, in random order.
static int64_t *shuffled_slots(inputs *in, const sequence *s) {
    const int64_t count = s->page_count * PL_PAGE_SLOTS - s->base;
    int64_t *slots = allocate((size_t)count * sizeof *slots);
    for (int64_t i = 0; i < count; ++i) slots[i] = s->base + i;
    for (int64_t i = count - 1; i > 0; --i) {
        const int64_t other = below(in, i + 1), slot = slots[i];
        slots[i] = slots[other];
        slots[other] = slot;
    }
    return slots;
}

/// Grows a tree of random shape whose nodes are in scattered slots.
static void grow_tree(inputs *in, sequence *s) {
    int64_t *slots = shuffled_slots(in, s);
    for (int64_t node = 0; node < s->nodes; ++node) {
        const int64_t parent = below(in, 3) == 0 ? below(in, node + 1) - 1 : node - 1;
        const int64_t depth = parent < 0 ? 0 : s->rows[parent].path_count;
        int32_t *path = s->paths + node * s->nodes;
        if (parent >= 0) memcpy(path, s->rows[parent].path, (size_t)depth * sizeof *path);
        path[depth] = (int32_t)slots[node];
        s->rows[node] = (pl_attention_row){(const void *const *)s->pages, s->base, path, depth + 1};
        store_token(in, s, slots[node]);
    }
    free(slots);
}

static sequence make_sequence(inputs *in, pl_kv_shape shape, int64_t base, int64_t nodes) {
    sequence s = {.shape = shape, .layer = shape.layers - 1, .base = base, .nodes = nodes};
    s.page_count = (base + 2 * nodes + PL_PAGE_SLOTS) / PL_PAGE_SLOTS;
    s.pages = allocate((size_t)s.page_count * sizeof *s.pages);
    for (int64_t i = 0; i < s.page_count; ++i) s.pages[i] = random_page(in, shape);
    for (int64_t slot = 0; slot < base; ++slot) store_token(in, &s, slot);
    s.rows = allocate((size_t)nodes * sizeof *s.rows);
    s.paths = allocate((size_t)(nodes * nodes) * sizeof *s.paths);
    grow_tree(in, &s);
    return s;
}

static void free_sequence(sequence *s) {
    for (int64_t i = 0; i < s->page_count; ++i) free(s->pages[i]);
    free(s->pages);
    free(s->rows);
    free(s->paths);
}

// MARK: Attention

typedef struct attention_case {
    pl_pool *pool;
    pl_kv_shape shape;
    int64_t layer;
    int64_t heads;
    int64_t window;
    const pl_attention_row *rows;
    int64_t count;
    const float *q;
} attention_case;

static void attend(const void *context, pl_isa isa, void *out) {
    const attention_case *a = context;
    const int64_t width = a->heads * a->shape.head_dim;
    pl_attention(
        isa, a->pool, a->shape, a->layer, a->heads, 0.125f, a->window, a->rows, a->count, a->q, width, out, width);
}

/// The tree of one sequence, some positions of its prompt, and a row without positions, in one call.
static void compare_sequence(comparison *c, inputs *in, const sequence *s, int64_t group, pl_pool *pool) {
    enum { PROMPT_ROWS = 6 };
    static const int64_t windows[] = {0, 1, 20, 256, 300};
    pl_attention_row *rows = allocate((size_t)(s->nodes + PROMPT_ROWS) * sizeof *rows);
    memcpy(rows, s->rows, (size_t)s->nodes * sizeof *rows);
    for (int64_t i = 0; i < PROMPT_ROWS; ++i) {
        const int64_t position = i == 0 ? 0 : s->base * i / (PROMPT_ROWS - 1);
        rows[s->nodes + i] = (pl_attention_row){(const void *const *)s->pages, position, NULL, 0};
    }
    attention_case a = {
        pool, s->shape, s->layer, s->shape.kv_heads * group, 0, rows, s->nodes + PROMPT_ROWS, NULL,
    };
    const size_t outputs = (size_t)(a.count * a.heads * s->shape.head_dim);
    float *q = floats(in, outputs, 2);
    a.q = q;
    for (size_t i = 0; i < sizeof windows / sizeof windows[0]; ++i) {
        a.window = windows[i];
        describe(
            c, "base %lld, %lld nodes, %lld KV heads of %lld, %lld queries each, window %lld, %d threads",
            (long long)s->base, (long long)s->nodes, (long long)s->shape.kv_heads, (long long)s->shape.head_dim,
            (long long)group, (long long)a.window, pl_pool_threads(pool));
        compare(c, attend, &a, FLOATS, outputs);
    }
    free(q);
    free(rows);
}

static void compare_attention_over(comparison *c, pl_kv_type kv_type) {
    // Around the borders of key tiles (16), pages (64) and chunks (256).
    static const int64_t bases[] = {0, 1, 15, 16, 63, 64, 65, 200, 255, 256, 257, 513};
    static const int64_t groups[] = {1, 2, 4, 6, 7, 9}, dims[] = {16, 32, 64, 80, 128};
    inputs in = {8};
    pl_pool *pools[] = {pl_pool_create(1), pl_pool_create(3)};
    for (size_t i = 0; i < 2 * sizeof bases / sizeof bases[0]; ++i) {
        const pl_kv_shape shape = {1 + (int64_t)i % 2, 1 + below(&in, 2), dims[i % 5], kv_type};
        sequence s = make_sequence(&in, shape, bases[i / 2], i % 2 ? 9 : 1 + below(&in, 20));
        compare_sequence(c, &in, &s, groups[i % 6], pools[i % 2]);
        free_sequence(&s);
    }
    pl_pool_destroy(pools[0]);
    pl_pool_destroy(pools[1]);
}

void compare_attention(comparison *c, pl_type type) {
    (void)type;
    compare_attention_over(c, PL_KV_F16);
    compare_attention_over(c, PL_KV_INT8);
}

// MARK: Pages

typedef struct page_case {
    pl_kv_shape shape;
    const uint16_t *page;
    const float *key;
    const float *value;
    int64_t slot;
} page_case;

/// Stores a token in a page, and copies it to another slot.
static void store_and_copy(const void *context, pl_isa isa, void *out) {
    const page_case *p = context;
    memcpy(out, p->page, pl_kv_page_bytes(p->shape));
    pl_kv_store(isa, p->shape, p->shape.layers - 1, out, p->slot, p->key, p->value);
    pl_kv_copy_slot(p->shape, out, (p->slot + 37) % PL_PAGE_SLOTS, out, p->slot);
}

static void compare_pages_of(comparison *c, pl_kv_type kv_type) {
    static const int64_t dims[] = {16, 48, 64, 128, 256, PL_HEAD_DIM_LIMIT};
    inputs in = {9};
    for (int64_t i = 0; i < 24; ++i) {
        const pl_kv_shape shape = {1 + i % 2, 1 + i % 3, dims[i % 6], kv_type};
        const size_t width = (size_t)(shape.kv_heads * shape.head_dim);
        uint16_t *page = random_page(&in, shape);
        float *key = i % 4 ? floats(&in, width, 9) : patterns(&in, width), *value = floats(&in, width, 1e-4f);
        const page_case p = {shape, page, key, value, below(&in, PL_PAGE_SLOTS)};
        describe(
            c, "slot %lld, %lld heads of %lld", (long long)p.slot, (long long)shape.kv_heads,
            (long long)shape.head_dim);
        compare(c, store_and_copy, &p, HALVES, pl_kv_page_bytes(shape) / sizeof(uint16_t));
        free(page);
        free(key);
        free(value);
    }
}

void compare_kv_pages(comparison *c, pl_type type) {
    (void)type;
    compare_pages_of(c, PL_KV_F16);
    compare_pages_of(c, PL_KV_INT8);
}
