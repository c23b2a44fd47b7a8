#include "paceline/matmul.h"

#include <string.h>

#include "isa/dispatch.h"
#include "isa/plain.h"
#include "matmul/kernels.h"
#include "matmul/panels.h"
#include "matmul/sgemm.h"
#include "quant/activations.h"
#include "quant/layout.h"
#include "tuning.h"

/// Products that share a run of the pool, at most.
enum { MAX_PRODUCTS = 8 };

/// One product of a group, cut into items of `item_tiles` tiles by `item_rows` rows. Items of the same rows are
/// adjacent.
typedef struct part {
    const pl_product *product;
    pl_tile_kernel kernel;  ///< NULL for float weights
    pl_tile_kernel pair;    ///< of two tiles; NULL where it is not used
    int64_t blocks;         ///< per row
    size_t tile_bytes;
    int64_t tiles;
    int64_t item_tiles;
    int64_t item_rows;  ///< activation rows of an item, padding included
    int64_t row_items;  ///< items that share the same tiles
    int64_t first_item;
} part;

typedef struct job {
    pl_isa isa;
    const float *x;
    int64_t x_stride;
    const void *activations;
    int64_t count;
    int64_t item_bytes;  ///< the most weight bytes of an item
    part parts[MAX_PRODUCTS];
    int part_count;
} job;

pl_tile_kernels pl_tile_kernels_of(pl_isa isa, pl_type type) { return PL_VARIANT(isa, pl_tile_kernels)[type]; }

/// Copies the rows that a kernel has computed to the columns of its tile.
static void store_tile(const pl_product *product, int64_t tile, int64_t row, int64_t rows, const float *out) {
    const int64_t first = tile * PL_TILE_ROWS, lanes = pl_smaller(product->matrix->rows - first, PL_TILE_ROWS);
    float *y = product->y + row * product->y_stride + first;
    for (int64_t i = 0; i < rows; ++i, y += product->y_stride, out += PL_TILE_ROWS) {
        // A whole tile row is one vector. Only the last tile may have fewer lanes.
        if (lanes == PL_TILE_ROWS) {
            memcpy(y, out, PL_TILE_ROWS * sizeof(float));
        } else {
            memcpy(y, out, (size_t)lanes * sizeof(float));
        }
    }
}

static int64_t group_rows(const pl_matrix *matrix) {
    int64_t rows = PL_GROUP_BYTES / (matrix->cols / PL_ACTIVATION_BLOCK * PL_ACTIVATION_BYTES) / 16 * 16;
    return pl_smaller(pl_larger(rows, 16), PL_ROW_GROUP);
}

/// Tiles begin ..< end by the activation rows from `first` on.
static void multiply_tiles(const job *job, const part *part, int64_t begin, int64_t end, int64_t first) {
    _Alignas(64) float out[2 * PL_ROW_GROUP * PL_TILE_ROWS];
    const int64_t group = group_rows(part->product->matrix), padded = pl_activation_rows(job->count);
    const int64_t last = pl_smaller(padded, first + part->item_rows);
    for (int64_t row = first; row < last; row += group) {
        const int64_t rows = pl_smaller(last - row, group), wanted = pl_smaller(rows, job->count - row);
        for (int64_t tile = begin, some; tile < end; tile += some) {
            some = part->pair && tile + 2 <= end ? 2 : 1;
            const uint8_t *data = (const uint8_t *)part->product->matrix->data + (size_t)tile * part->tile_bytes;
            pl_tile_kernel kernel = some == 2 ? part->pair : part->kernel;
            kernel(data, part->blocks, job->activations, padded, row, rows, out);
            for (int64_t i = 0; i < some; ++i) {
                store_tile(part->product, tile + i, row, wanted, out + i * rows * PL_TILE_ROWS);
            }
        }
    }
}

static const part *part_of(const job *job, int64_t item) {
    const part *part = job->parts;
    while (part + 1 < job->parts + job->part_count && part[1].first_item <= item) ++part;
    return part;
}

static void run_item(void *context, int64_t item, int thread) {
    (void)thread;
    const job *job = context;
    const part *part = part_of(job, item);
    const int64_t tile_items = pl_groups(part->tiles, part->item_tiles), local = item - part->first_item;
    const int64_t begin = local % tile_items * part->item_tiles, row = local / tile_items * part->item_rows;
    const int64_t end = pl_smaller(begin + part->item_tiles, part->tiles);
    if (part->kernel) {
        multiply_tiles(job, part, begin, end, row);
    } else if (pl_uses_panels(part->product->matrix->type)) {
        const int64_t rows = pl_smaller(job->count - row, part->item_rows);
        pl_matmul_panels(job->isa, part->product, begin, end, job->x, job->x_stride, row, rows);
    } else {
        pl_matmul_float(part->product, begin, end, job->x, job->x_stride, job->count);
    }
}

/// Sizes of the items of a product with quantised weights.
static void cut(part *part, int64_t count, int64_t item_bytes) {
    const int64_t padded = pl_activation_rows(count), row_macs = PL_TILE_ROWS * part->product->matrix->cols;
    const int64_t rows = group_rows(part->product->matrix);
    part->row_items = pl_groups(padded, rows);
    part->item_rows = part->row_items == 1 ? padded : rows;
    const int64_t by_bytes = item_bytes / (int64_t)part->tile_bytes;
    const int64_t by_macs = PL_ITEM_MACS / (row_macs * part->item_rows), together = part->pair ? 2 : 1;
    part->item_tiles = pl_larger(together, pl_smaller(by_bytes, by_macs) / together * together);
}

static int64_t add_part(job *job, const pl_product *product, int64_t first_item) {
    const pl_matrix *matrix = product->matrix;
    part *part = &job->parts[job->part_count++];
    part->product = product;
    const pl_tile_kernels kernels = pl_tile_kernels_of(job->isa, matrix->type);
    part->kernel = kernels.one;
    part->pair = job->count >= PL_PAIR_ROWS ? kernels.pair : NULL;
    part->blocks = matrix->cols / (int64_t)pl_type_block_length(matrix->type);
    part->tile_bytes = pl_matrix_bytes(matrix->type, PL_TILE_ROWS, matrix->cols);
    part->tiles = pl_groups(matrix->rows, PL_TILE_ROWS);
    part->first_item = first_item;
    if (part->kernel) {
        cut(part, job->count, job->item_bytes);
    } else if (pl_uses_panels(matrix->type)) {
        part->item_tiles = 2;
        part->item_rows = PL_PANEL_ITEM_ROWS;
        part->row_items = pl_groups(job->count, PL_PANEL_ITEM_ROWS);
    } else {
        part->item_tiles = pl_matmul_float_tiles(matrix);
        part->row_items = 1;
    }
    return first_item + pl_groups(part->tiles, part->item_tiles) * part->row_items;
}

/// The most weight bytes of an item: less if the products are so small that threads would not finish together, but not
/// so few that taking an item counts beside multiplying it.
static int64_t item_bytes(const pl_product *products, int product_count, int64_t rows, int threads) {
    int64_t all = 0;
    for (int i = 0; i < product_count && i < MAX_PRODUCTS; ++i) {
        const pl_matrix *matrix = products[i].matrix;
        all += (int64_t)pl_matrix_bytes(matrix->type, matrix->rows, matrix->cols);
    }
    const int64_t even = all / (threads * PL_ITEMS_PER_THREAD);
    return pl_smaller(PL_ITEM_BYTES, pl_larger(even, PL_ITEM_BYTES / rows));
}

/// Adds as many of the products to a job as it has room for. Returns the number of items.
static int64_t add_parts(job *job, const pl_product *products, int count, int threads) {
    int64_t items = 0;
    job->part_count = 0;
    job->item_bytes = item_bytes(products, count, job->count, threads);
    while (job->part_count < count && job->part_count < MAX_PRODUCTS) {
        items = add_part(job, &products[job->part_count], items);
    }
    return items;
}

void pl_matmul(
    pl_isa isa, pl_pool *pool, const pl_product *products, int product_count, const float *x, int64_t x_stride,
    const void *q, int64_t count) {
    job job = {.isa = isa, .x = x, .x_stride = x_stride, .activations = q, .count = count};
    for (int done = 0; done < product_count && count > 0; done += job.part_count) {
        const int64_t items = add_parts(&job, products + done, product_count - done, pl_pool_threads(pool));
        pl_pool_run(pool, items, run_item, &job);
    }
}

/// The address of item `begin`, and the bytes of items `begin` ..< `end` that are of the same matrix. Items have all
/// rows.
static const uint8_t *item_data(const job *job, int64_t begin, int64_t end, int64_t *bytes) {
    const part *part = part_of(job, begin);
    const int64_t tile = (begin - part->first_item) * part->item_tiles;
    const int64_t last = (end - part->first_item) * part->item_tiles;
    *bytes = (pl_smaller(last, part->tiles) - tile) * (int64_t)part->tile_bytes;
    return (const uint8_t *)part->product->matrix->data + (size_t)tile * part->tile_bytes;
}

void pl_matmul_expect(pl_isa isa, pl_pool *pool, const pl_matrix *const *matrices, int matrix_count, int64_t count) {
    if (count > PL_EXPECTED_ROWS) return;
    job job = {.isa = isa, .count = count};
    pl_product products[MAX_PRODUCTS];
    if (matrix_count > MAX_PRODUCTS) matrix_count = MAX_PRODUCTS;
    for (int i = 0; i < matrix_count; ++i) products[i] = (pl_product){.matrix = matrices[i]};
    const int64_t items = add_parts(&job, products, matrix_count, pl_pool_threads(pool));
    for (int thread = 0; thread < pl_pool_threads(pool); ++thread) {
        const int64_t begin = pl_pool_share(pool, items, thread), end = pl_pool_share(pool, items, thread + 1);
        if (begin == end) continue;
        int64_t bytes;
        const uint8_t *data = item_data(&job, begin, end, &bytes);
        pl_pool_expect(pool, thread, data, pl_smaller(bytes, PL_EXPECTED_BYTES));
    }
}
