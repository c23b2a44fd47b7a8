// Quantised activations: codes, scales, sums, and outliers.

#include <stdlib.h>
#include <string.h>

#include "comparison.h"
#include "families.h"
#include "inputs.h"
#include "paceline/matmul.h"

typedef struct activation_case {
    const float *x;
    int64_t cols;
    int64_t count;
} activation_case;

static void quantise(const void *context, pl_isa isa, void *out) {
    const activation_case *a = context;
    pl_activations_quantise(isa, a->x, a->cols, a->cols, a->count, out);
}

static void compare_rows(comparison *c, const float *x, int64_t cols, int64_t count, const char *kind) {
    const activation_case a = {x, cols, count};
    describe(c, "%lld rows of %lld %s", (long long)count, (long long)cols, kind);
    compare(c, quantise, &a, BYTES, pl_activations_bytes(cols, count));
}

static void compare_scale(comparison *c, inputs *in, int64_t cols, int64_t count, float scale, const char *kind) {
    float *x = floats(in, (size_t)(cols * count), scale);
    compare_rows(c, x, cols, count, kind);
    // First whole blocks that dominate their row, then a single value that does so in another block.
    for (int64_t i = 0; i < cols * count; ++i) x[i] *= i / 32 % 3 == 0 ? 0x1p6f : 1;
    compare_rows(c, x, cols, count, kind);
    for (int64_t i = 0; i < cols * count; ++i) x[i] *= i / 32 % 3 == 1 && i % 32 == i / 32 % 32 ? 0x1p8f : 1;
    compare_rows(c, x, cols, count, kind);
    free(x);
}

/// Values halfway between two codes. With 127 as the largest magnitude, a code is the rounded value itself.
static void compare_ties(comparison *c) {
    float x[64] = {127, -127, 0.5f, 1.5f, 2.5f, -0.5f, -1.5f, 126.5f, 125.5f, 3.4999998f, 3.5000002f, 0.49999997f};
    for (int i = 32; i < 64; ++i) x[i] = i == 32 ? -127 : (float)(i - 48) + 0.5f;
    compare_rows(c, x, 64, 1, "ties");
}

/// The smallest magnitudes that do not become zero, and those just below.
static void compare_tiny(comparison *c) {
    float x[96];
    for (int i = 0; i < 96; ++i) x[i] = i < 32 ? 0x1p-101f : i < 64 ? 0x1p-100f : 0x1.fffffep-101f;
    compare_rows(c, x, 96, 1, "tiny values");
}

void compare_activations(comparison *c, pl_type type) {
    (void)type;
    inputs in = {21};
    for (int64_t count = 1; count <= 33; ++count) {
        const int64_t cols = count % 2 ? 96 : 352;
        compare_scale(c, &in, cols, count, 3, "ordinary values");
        float *any = patterns(&in, (size_t)(cols * count));
        compare_rows(c, any, cols, count, "arbitrary bits");
        free(any);
    }
    compare_scale(c, &in, 1024, 3, 1e30f, "large values");
    compare_scale(c, &in, 1024, 3, 1e16f, "values whose squares are nearly infinite");
    compare_scale(c, &in, 1024, 3, 1e-20f, "values whose squares are subnormal");
    compare_scale(c, &in, 1024, 3, 1e-29f, "small values");
    compare_scale(c, &in, 1024, 3, 1e-31f, "values below the smallest scale");
    compare_ties(c);
    compare_tiny(c);
    const float zeros[64] = {0};
    compare_rows(c, zeros, 64, 1, "zeros");
}
