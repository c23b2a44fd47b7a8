// Element-wise kernels: exp, log, normalisation, addition, gates, float16, rotary embeddings, reductions.

#include "paceline/elementwise.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "comparison.h"
#include "families.h"
#include "inputs.h"
#include "paceline/select.h"

/// Lengths below, at and above the sixteen lanes of a kernel.
static const int64_t lengths[] = {1, 2, 3, 7, 8, 15, 16, 17, 31, 32, 33, 47, 63, 64, 65, 127, 128, 576, 1000, 1536};
enum { LENGTHS = sizeof lengths / sizeof lengths[0] };

typedef struct vectors {
    const float *x;
    const float *y;
    int64_t count;
} vectors;

static void exponentials(const void *context, pl_isa isa, void *out) {
    const vectors *v = context;
    pl_exp(isa, v->x, out, v->count);
}

static void logarithms(const void *context, pl_isa isa, void *out) {
    const vectors *v = context;
    pl_log(isa, v->x, out, v->count);
}

static void norm(const void *context, pl_isa isa, void *out) {
    const vectors *v = context;
    pl_rms_norm(isa, v->x, v->y, 1e-6f, out, v->count);
}

static void sum(const void *context, pl_isa isa, void *out) {
    const vectors *v = context;
    memcpy(out, v->x, (size_t)v->count * sizeof(float));
    pl_add(isa, out, v->y, v->count);
}

static void gate(const void *context, pl_isa isa, void *out) {
    const vectors *v = context;
    memcpy(out, v->x, (size_t)v->count * sizeof(float));
    pl_silu_multiply(isa, out, v->y, v->count);
}

static void gelu_gate(const void *context, pl_isa isa, void *out) {
    const vectors *v = context;
    memcpy(out, v->x, (size_t)v->count * sizeof(float));
    pl_gelu_multiply(isa, out, v->y, v->count);
}

static void compare_vectors(comparison *c, const vectors *v, const char *kind) {
    static const struct {
        const char *name;
        compute compute;
        element element;
    } kernels[] = {
        {"exp", exponentials, FLOAT_BITS}, {"log", logarithms, FLOAT_BITS},
        {"rms_norm", norm, FLOATS},        {"add", sum, FLOATS},
        {"silu_multiply", gate, FLOATS},   {"gelu_multiply", gelu_gate, FLOATS},
    };
    for (size_t i = 0; i < sizeof kernels / sizeof kernels[0]; ++i) {
        describe(c, "%s of %lld %s", kernels[i].name, (long long)v->count, kind);
        compare(c, kernels[i].compute, v, kernels[i].element, (size_t)v->count);
    }
}

/// Every 4,099th float of all bit patterns, in order.
static float *all_floats(size_t *count) {
    const uint64_t step = 4099;
    *count = (size_t)((UINT64_C(1) << 32) / step);
    float *x = allocate(*count * sizeof *x);
    for (size_t i = 0; i < *count; ++i) {
        const uint32_t bits = (uint32_t)(i * step);
        memcpy(&x[i], &bits, sizeof bits);
    }
    return x;
}

void compare_elementwise(comparison *c, pl_type type) {
    (void)type;
    inputs in = {1};
    for (int i = 0; i < LENGTHS; ++i) {
        const size_t count = (size_t)lengths[i];
        float *x = floats(&in, count, 9), *y = floats(&in, count, 2), *any = patterns(&in, count);
        compare_vectors(c, &(vectors){x, y, lengths[i]}, "ordinary values");
        compare_vectors(c, &(vectors){any, y, lengths[i]}, "arbitrary bits");
        free(x);
        free(y);
        free(any);
    }
    size_t count;
    float *x = all_floats(&count);
    compare_vectors(c, &(vectors){x, x, (int64_t)count}, "floats from all over their range");
    free(x);
}

// MARK: float16

static void to_half(const void *context, pl_isa isa, void *out) {
    const vectors *v = context;
    pl_to_half(isa, v->x, out, v->count);
}

typedef struct halves {
    const uint16_t *x;
    int64_t count;
} halves;

static void from_half(const void *context, pl_isa isa, void *out) {
    const halves *h = context;
    pl_from_half(isa, h->x, out, h->count);
}

void compare_halves(comparison *c, pl_type type) {
    (void)type;
    inputs in = {2};
    uint16_t *all = allocate(65536 * sizeof *all);
    for (int i = 0; i < 65536; ++i) all[i] = (uint16_t)i;
    for (int i = 0; i < LENGTHS; ++i) {
        float *x = patterns(&in, (size_t)lengths[i]);
        describe(c, "%lld floats to float16", (long long)lengths[i]);
        compare(c, to_half, &(vectors){x, NULL, lengths[i]}, HALVES, (size_t)lengths[i]);
        describe(c, "%lld float16 to floats", (long long)lengths[i]);
        compare(c, from_half, &(halves){all + 31 * i, lengths[i]}, FLOAT_BITS, (size_t)lengths[i]);
        free(x);
    }
    size_t count;
    float *x = all_floats(&count);
    describe(c, "floats from all over their range to float16");
    compare(c, to_half, &(vectors){x, NULL, (int64_t)count}, HALVES, count);
    describe(c, "every float16 to float");
    compare(c, from_half, &(halves){all, 65536}, FLOAT_BITS, 65536);
    free(x);
    free(all);
}

// MARK: Rotary embeddings

typedef struct rotation {
    const float *x;
    int64_t heads;
    int64_t head_dim;
    int64_t dims;
    int64_t position;
    const float *factors;
    int neox;
} rotation;

enum { MOST_DIMS = 256 };

static void angles(const void *context, pl_isa isa, void *out) {
    (void)isa;
    const rotation *r = context;
    pl_rope_angles(r->position, 1e6, r->factors, r->dims, out, (float *)out + r->dims / 2);
}

static void rotate(const void *context, pl_isa isa, void *out) {
    const rotation *r = context;
    float cosines[MOST_DIMS / 2], sines[MOST_DIMS / 2];
    pl_rope_angles(r->position, 1e4, r->factors, r->dims, cosines, sines);
    memcpy(out, r->x, (size_t)(r->heads * r->head_dim) * sizeof(float));
    pl_rope(isa, out, r->heads, r->head_dim, r->dims, cosines, sines, r->neox);
}

/// Factors as in damaged files: angles beyond any integer, infinities, NaN.
static void compare_senseless_angles(comparison *c) {
    float factors[MOST_DIMS / 2];
    for (int i = 0; i < MOST_DIMS / 2; ++i) factors[i] = i % 3 == 0 ? 0 : i % 3 == 1 ? 1e-38f : i % 2 ? NAN : -1e-20f;
    const rotation r = {.dims = MOST_DIMS, .position = 999983, .factors = factors};
    describe(c, "senseless factors");
    compare(c, angles, &r, FLOATS, MOST_DIMS);
}

void compare_rope(comparison *c, pl_type type) {
    (void)type;
    static const int64_t dims[] = {2, 6, 16, 30, 32, 48, 64, 80, 128, MOST_DIMS};
    inputs in = {3};
    for (size_t i = 0; i < 4 * sizeof dims / sizeof dims[0]; ++i) {
        rotation r = {.heads = 1 + below(&in, 5), .dims = dims[i / 4], .neox = i & 1};
        r.head_dim = r.dims + below(&in, 3) * 16;
        r.position = i & 2 ? below(&in, 1000000) : below(&in, 3);
        float *x = floats(&in, (size_t)(r.heads * r.head_dim), 5), *factors = floats(&in, MOST_DIMS / 2, 1);
        for (int k = 0; k < MOST_DIMS / 2; ++k) factors[k] += 2;
        r.x = x;
        r.factors = i % 3 == 0 ? factors : NULL;
        describe(c, "%lld of %lld dimensions at %lld", (long long)r.dims, (long long)r.head_dim, (long long)r.position);
        compare(c, angles, &r, FLOATS, (size_t)r.dims);
        compare(c, rotate, &r, FLOATS, (size_t)(r.heads * r.head_dim));
        free(x);
        free(factors);
    }
    compare_senseless_angles(c);
}

// MARK: Reductions

static void largest(const void *context, pl_isa isa, void *out) {
    const vectors *v = context;
    float value;
    const int64_t index = pl_argmax(isa, v->x, v->count, &value);
    memcpy(out, &index, sizeof index);
    memcpy((uint8_t *)out + sizeof index, &value, sizeof value);
}

static void sum_of_exp(const void *context, pl_isa isa, void *out) {
    const vectors *v = context;
    const double value = pl_sum_exp(isa, v->x, 3, v->count);
    memcpy(out, &value, sizeof value);
}

static void compare_reductions_of(comparison *c, const float *x, int64_t count, const char *kind) {
    const vectors v = {x, NULL, count};
    describe(c, "argmax of %lld %s", (long long)count, kind);
    compare(c, largest, &v, BYTES, sizeof(int64_t) + sizeof(float));
    describe(c, "sum of exp of %lld %s", (long long)count, kind);
    compare(c, sum_of_exp, &v, DOUBLES, 1);
}

void compare_reductions(comparison *c, pl_type type) {
    (void)type;
    inputs in = {4};
    for (int i = 0; i < LENGTHS + 1; ++i) {
        const int64_t count = i < LENGTHS ? lengths[i] : 151936;
        float *x = floats(&in, (size_t)count, 4), *any = patterns(&in, (size_t)count);
        compare_reductions_of(c, x, count, "ordinary values");
        compare_reductions_of(c, any, count, "arbitrary bits");
        // The largest value occurs several times: the first one wins, in whichever lane it is.
        for (int64_t k = 0; k < 5; ++k) x[below(&in, count)] = 4;
        compare_reductions_of(c, x, count, "values with ties");
        free(x);
        free(any);
    }
}
