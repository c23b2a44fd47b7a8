// Packing into tiles, and dequantisation. Both exist once, in plain C, so only the digest is compared, with
// that of other CPUs.

#include <stdlib.h>

#include "comparison.h"
#include "families.h"
#include "inputs.h"
#include "paceline/matmul.h"

typedef struct packing_case {
    pl_type type;
    int64_t rows;
    int64_t cols;
    const uint8_t *blocks;
} packing_case;

/// Tile by tile, as a loader's threads do.
static void pack(const void *context, pl_isa isa, void *out) {
    (void)isa;
    const packing_case *p = context;
    const pl_matrix matrix = {p->type, p->rows, p->cols, out};
    for (int64_t tile = 0; tile < (p->rows + PL_TILE_ROWS - 1) / PL_TILE_ROWS; ++tile) {
        pl_matrix_pack(&matrix, p->blocks, tile, tile + 1);
    }
}

static void dequantise(const void *context, pl_isa isa, void *out) {
    (void)isa;
    const packing_case *p = context;
    pl_dequantise(p->type, p->blocks, (size_t)(p->rows * p->cols), out);
}

static void compare_matrix(comparison *c, inputs *in, pl_type type, int64_t rows, int64_t cols, weights kind) {
    const size_t length = pl_type_block_length(type);
    uint8_t *blocks = weight_blocks(in, type, (size_t)(rows * cols) / length, kind);
    const packing_case p = {type, rows, cols, blocks};
    describe(c, "%lld x %lld of %s %s", (long long)rows, (long long)cols, weights_name(kind), pl_type_name(type));
    compare(c, pack, &p, BYTES, pl_matrix_bytes(type, rows, cols));
    compare(c, dequantise, &p, FLOATS, (size_t)(rows * cols));
    free(blocks);
}

void compare_packing(comparison *c, pl_type unused) {
    (void)unused;
    inputs in = {5};
    for (size_t i = 0; i < FAMILIES; ++i) {
        if (families[i].run != compare_products) continue;
        for (weights kind = ORDINARY; kind <= SUBNORMAL; ++kind) {
            compare_matrix(c, &in, families[i].type, 1, 256, kind);
            compare_matrix(c, &in, families[i].type, 37, 768, kind);
        }
        if (pl_type_block_length(families[i].type) == 32) {
            compare_matrix(c, &in, families[i].type, 17, 96, ORDINARY);
        }
    }
}
