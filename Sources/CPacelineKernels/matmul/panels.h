#ifndef PACELINE_MATMUL_PANELS_H
#define PACELINE_MATMUL_PANELS_H

#include <stdint.h>

#include "paceline/matmul.h"

// Float weights with a lane for each output row. Two tiles side by side make a panel of (columns x 32); a last tile
// without a partner makes one of (columns x 16).

/// Computes activation rows row ..< row + rows of tiles begin ..< end; `begin` is even, and `end` is too or is the last
/// tile. Aborts if there is no memory.
void pl_matmul_panels(
    pl_isa isa, const pl_product *product, int64_t begin, int64_t end, const float *x, int64_t x_stride, int64_t row,
    int64_t rows);

/// Repacks one tile of row-major weights, which begin at `from`.
void pl_pack_panel_tile(const pl_matrix *matrix, const uint8_t *from, int64_t tile);

#endif
