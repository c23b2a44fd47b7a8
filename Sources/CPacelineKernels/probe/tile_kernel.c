#include <stdlib.h>
#include <string.h>

#include "matmul/kernels.h"
#include "paceline/probe.h"
#include "quant/activations.h"
#include "quant/layout.h"
#include "tuning.h"

// What the tile kernels can do where no memory is in the way: the ceiling of a pass with many rows.

/// The columns of a medium model: a tile fits into the first-level cache, the activations into the second. And items
/// per thread, so that a paused one does not decide the figure.
enum { COLS = 1536, ITEMS_PER_THREAD = 16 };

typedef struct kernel_probe {
    pl_tile_kernel kernel;
    const uint8_t *tiles;
    const void *activations;
    int64_t blocks;
    int64_t rows;  ///< padding included
    uint64_t rounds;
} kernel_probe;

static void run_kernel(void *context, int64_t item, int thread) {
    (void)item;
    (void)thread;
    const kernel_probe *probe = context;
    _Alignas(64) float out[2 * PL_ROW_GROUP * PL_TILE_ROWS];
    for (uint64_t round = 0; round < probe->rounds; ++round) {
        for (int64_t row = 0; row < probe->rows; row += PL_ROW_GROUP) {
            const int64_t rows = probe->rows - row < PL_ROW_GROUP ? probe->rows - row : PL_ROW_GROUP;
            probe->kernel(probe->tiles, probe->blocks, probe->activations, probe->rows, row, rows, out);
        }
    }
}

/// Random activations. Two blocks in nine have an outlier, about as many as in a transformer.
static void fill_activations(float *x, int64_t count) {
    uint32_t seed = 1;
    int64_t outlier = -1;
    for (int64_t i = 0; i < count; ++i) {
        seed = seed * 1664525u + 1013904223u;
        if (i % PL_ACTIVATION_BLOCK == 0) outlier = (seed >> 8) % 9 < 2 ? i + (seed >> 16) % PL_ACTIVATION_BLOCK : -1;
        x[i] = i == outlier ? 16 : (float)(int32_t)seed * 0x1p-31f;
    }
}

/// Codes and scales that are plain small numbers in every format.
static void fill_tiles(uint8_t *tiles, size_t bytes) {
    for (size_t i = 0; i < bytes; ++i) tiles[i] = (uint8_t)((i * 2654435761u) >> 11 & 0x3f);
}

uint64_t pl_probe_kernel(pl_isa isa, pl_pool *pool, pl_type type, int64_t rows, uint64_t rounds) {
    const pl_tile_kernels kernels = pl_tile_kernels_of(isa, type);
    const int is_pair = kernels.pair && rows >= PL_PAIR_ROWS;
    const pl_tile_kernel kernel = is_pair ? kernels.pair : kernels.one;
    if (!kernel || rows < 1) return 0;
    const int64_t outputs = (is_pair ? 2 : 1) * PL_TILE_ROWS;
    const size_t bytes = pl_matrix_bytes(type, outputs, COLS);
    float *x = malloc((size_t)(rows * COLS) * sizeof *x);
    void *activations = malloc(pl_activations_bytes(COLS, rows));
    uint8_t *tiles = aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (x && activations && tiles) {
        fill_activations(x, rows * COLS);
        pl_activations_quantise(isa, x, COLS, COLS, rows, activations);
        fill_tiles(tiles, bytes);
        kernel_probe probe = {
            .kernel = kernel,
            .tiles = tiles,
            .activations = activations,
            .rows = pl_activation_rows(rows),
            .blocks = COLS / pl_layouts[type].block_length,
            .rounds = rounds,
        };
        pl_pool_run(pool, (int64_t)ITEMS_PER_THREAD * pl_pool_threads(pool), run_kernel, &probe);
    } else {
        rounds = 0;
    }
    free(x);
    free(activations);
    free(tiles);
    return rounds * (uint64_t)(rows * COLS * outputs) * ITEMS_PER_THREAD * (uint64_t)pl_pool_threads(pool);
}
