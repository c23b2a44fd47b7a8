// Gumbel noise: the vector form is compared with the scalar one, and that with the function for a single token.

#include "paceline/noise.h"

#include <stdlib.h>

#include "comparison.h"
#include "families.h"
#include "inputs.h"

typedef struct noise_case {
    uint64_t seed;
    uint64_t position;
    const float *x;
    int64_t count;
} noise_case;

static void perturb(const void *context, pl_isa isa, void *out) {
    const noise_case *n = context;
    pl_noise_perturb(isa, n->seed, n->position, n->x, out, n->count);
}

/// Token by token for the scalar instruction set.
static void gumbel(const void *context, pl_isa isa, void *out) {
    const noise_case *n = context;
    float *noise = out;
    if (isa != PL_ISA_SCALAR) {
        pl_noise_perturb(isa, n->seed, n->position, n->x, noise, n->count);
        return;
    }
    for (int64_t i = 0; i < n->count; ++i) {
        noise[i] = n->x[i] + pl_noise_gumbel(n->seed, n->position, (uint32_t)i);
    }
}

void compare_noise(comparison *c, pl_type type) {
    (void)type;
    static const int64_t lengths[] = {1, 3, 4, 15, 16, 63, 64, 65, 127, 129, 1000, 49152, 151936};
    inputs in = {6};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; ++i) {
        float *x = floats(&in, (size_t)lengths[i], 10);
        noise_case n = {next(&in), i % 2 ? next(&in) : i, x, lengths[i]};
        describe(c, "%lld tokens", (long long)n.count);
        compare(c, perturb, &n, FLOATS, (size_t)n.count);
        if (n.count <= 1000) compare(c, gumbel, &n, FLOATS, (size_t)n.count);
        free(x);
    }
}
