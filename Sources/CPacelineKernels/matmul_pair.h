/// Two tiles by many rows: the part of matmul_template.h for vectors that hold a whole tile.
///
/// An activation that is fetched meets the codes of both tiles in registers, so that fetching, which one tile alone is
/// bound by, is no longer the limit. Running sums are in memory, in `out`: (2 x rows x 16).

/// Activation rows whose dots with two tiles are in flight at once, and what is left over is a multiple of. Dots wait
/// for each other, so that four rows are too few to keep two pipes busy; more than six leave too few registers for codes.
enum { PAIR_STEP = 6, PAIR_REST = 4 };

/// dot[tile][r] += codes of each tile x activations of row r; operands first ..< last.
TEMPLATE void pair_dots(
    pl_type type, int n, const sub_block w[2], int first, int last, const int8_t *activations,
    vec_i dot[2][PAIR_STEP]) {
#pragma clang loop unroll(full)
    for (int j = first; j < last; ++j) {
#pragma clang loop unroll(full)
        for (int r = 0; r < n; ++r) {
            const vec_i four = v_four(activations + PL_ACTIVATION_BLOCK * r + 4 * j);
            dot[0][r] = v_dot(type, dot[0][r], w[0].code[j], four);
            dot[1][r] = v_dot(type, dot[1][r], w[1].code[j], four);
        }
    }
}

/// Where the integer sums of half `h` of row `i` start. Two starts are loaded from `terms`; one is computed in less time.
TEMPLATE vec_i pair_initial(pl_type type, int h, int64_t i, pl_activation_block a, const row_terms *terms) {
    if (V_OFFSET(type) == 0) return v_set1(h == 0 ? BIAS_BITS : 0);
    if (pl_halves(type) == 2) return v_set1(terms->initial[h][i]);
    return v_set1(BIAS_BITS - V_OFFSET(type) * (a.sum[0][i] + a.sum[1][i]));
}

/// Adds rows i ..< i + n (<= PAIR_STEP) of one sub-block to their running sums; n is a constant.
TEMPLATE void pair_add_rows(
    pl_type type, int n, int64_t i, const sub_block w[2], pl_activation_block a, const row_terms *terms, int64_t rows,
    float *out) {
    const int halves = pl_halves(type), width = OPERANDS / halves;
    vec_f block[2][PAIR_STEP];
    for (int h = 0; h < halves; ++h) {
        vec_i dot[2][PAIR_STEP];
        for (int r = 0; r < n; ++r) dot[0][r] = dot[1][r] = pair_initial(type, h, i + r, a, terms);
        pair_dots(type, n, w, width * h, width * h + width, a.codes + PL_ACTIVATION_BLOCK * i, dot);
        for (int t = 0; t < 2; ++t) {
            for (int r = 0; r < n; ++r) {
                block[t][r] = h == 0 ? f_fma(f_of_bits(dot[t][r]), w[t].scale[0], w[t].unbias)
                                     : f_fma(f_from_int(dot[t][r]), w[t].scale[1], block[t][r]);
            }
        }
    }
    for (int h = 0; pl_has_minimum(type) && h < halves; ++h) {
        for (int r = 0; r < n; ++r) {
            const vec_f sum = f_set1(halves == 1 ? a.total[i + r] : terms->sum[h][i + r]);
            for (int t = 0; t < 2; ++t) block[t][r] = f_fma(w[t].minimum[h], sum, block[t][r]);
        }
    }
    for (int r = 0; r < n; ++r) {
        const vec_f scale = f_set1(a.scale[i + r]);
        for (int t = 0; t < 2; ++t) {
            float *place = out + (t * rows + i + r) * PL_TILE_ROWS;
            f_store(place, f_fma(block[t][r], scale, f_load(place)));
        }
    }
}

/// Adds the outliers of a sub-block's rows. `groups` and `outliers` are those of the first row.
TEMPLATE void pair_add_outliers(
    pl_type type, const sub_block w[2], const pl_outlier *outliers, const uint8_t *groups, int64_t rows, float *out) {
    uint64_t left = v_nonzero(groups, rows);
    if (!left) return;
    kept_sub_block kept[2];
    for (int t = 0; t < 2; ++t) keep(type, &w[t], &kept[t]);
    for (; left; left &= left - 1) {
        const int64_t row = __builtin_ctzll(left);
        for (int t = 0; t < 2; ++t) {
            float *place = out + (t * rows + row) * PL_TILE_ROWS;
            f_store(place, add_outlier(type, &kept[t], groups[row] - 1, &outliers[row], f_load(place)));
        }
    }
}

/// Fetches the same part of the pair after this one into the second-level cache. With many rows a pair takes longer to
/// multiply than to read.
TEMPLATE void prefetch_next(const uint8_t *words, int s, int sub_blocks, int count) {
    const int lines = (count + sub_blocks) / sub_blocks;
    for (int line = s * lines; line < (s + 1) * lines; ++line) {
        __builtin_prefetch(words + line * PL_WORD_BYTES, 0, 2);
    }
}

TEMPLATE void pair_block(pl_type type, const view *v, size_t tile_bytes, int64_t block, float *out) {
    const pl_layout layout = pl_layouts[type];
    const int sub_blocks = layout.block_length / 32;
    scales all[2];
    const uint8_t *words[2];
    for (int t = 0; t < 2; ++t) {
        const uint8_t *tile = v->tile + (size_t)t * tile_bytes;
        words[t] = tile + pl_tile_words(layout.fields, layout.words, block);
        scales_of(type, tile + pl_tile_field(layout.fields, layout.words, block), words[t], &all[t]);
    }
    for (int s = 0; s < sub_blocks; ++s) {
        sub_block w[2];
        for (int t = 0; t < 2; ++t) {
            prefetch_next(words[t] + 2 * tile_bytes, s, sub_blocks, layout.words);
            sub_block_of(type, words[t], &all[t], s, &w[t]);
        }
        const int64_t index = block * sub_blocks + s;
        const pl_activation_block a = pl_activation_block_at(v->activations, v->count, index, v->row);
        row_terms terms;
        if (pl_halves(type) == 2) terms_of(type, a, (int)v->rows, &terms);
        int64_t i = 0;
        // Eight are left to two smaller steps instead of six and two.
        for (; v->rows - i >= PAIR_STEP && v->rows - i != 8; i += PAIR_STEP) {
            pair_add_rows(type, PAIR_STEP, i, w, a, &terms, v->rows, out);
        }
        for (; i < v->rows; i += PAIR_REST) pair_add_rows(type, PAIR_REST, i, w, a, &terms, v->rows, out);
        const int64_t place = index * v->count + v->row;
        pair_add_outliers(type, w, v->outliers + place, v->groups + place, v->rows, out);
    }
}

TEMPLATE void multiply_pair(pl_type type, const view *v, float *out) {
    const size_t tile_bytes = pl_tile_bytes(&pl_layouts[type], v->blocks);
    for (int64_t i = 0; i < 2 * v->rows; ++i) f_store(out + i * PL_TILE_ROWS, f_set1(0));
    for (int64_t block = 0; block < v->blocks; ++block) pair_block(type, v, tile_bytes, block, out);
}
