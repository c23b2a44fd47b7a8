#ifndef CROSS_KERNELS_FAMILIES_H
#define CROSS_KERNELS_FAMILIES_H

#include "comparison.h"
#include "paceline/quant.h"

/// Compares one family of kernels; `type` is the weight type if the family has one.
typedef void (*family_run)(comparison *c, pl_type type);

typedef struct family {
    const char *name;
    family_run run;
    pl_type type;
} family;

void compare_products(comparison *c, pl_type type);
void compare_float_products(comparison *c, pl_type type);
void compare_activations(comparison *c, pl_type type);
void compare_packing(comparison *c, pl_type type);
void compare_checksums(comparison *c, pl_type type);
void compare_elementwise(comparison *c, pl_type type);
void compare_halves(comparison *c, pl_type type);
void compare_rope(comparison *c, pl_type type);
void compare_noise(comparison *c, pl_type type);
void compare_reductions(comparison *c, pl_type type);
void compare_kv_pages(comparison *c, pl_type type);
void compare_attention(comparison *c, pl_type type);

/// All families. A new family is a function above, in its own file, and a line here.
static const family families[] = {
    {"products Q4_0", compare_products, PL_TYPE_Q4_0},
    {"products Q4_1", compare_products, PL_TYPE_Q4_1},
    {"products Q5_0", compare_products, PL_TYPE_Q5_0},
    {"products Q5_1", compare_products, PL_TYPE_Q5_1},
    {"products Q8_0", compare_products, PL_TYPE_Q8_0},
    {"products Q2_K", compare_products, PL_TYPE_Q2_K},
    {"products Q3_K", compare_products, PL_TYPE_Q3_K},
    {"products Q4_K", compare_products, PL_TYPE_Q4_K},
    {"products Q5_K", compare_products, PL_TYPE_Q5_K},
    {"products Q6_K", compare_products, PL_TYPE_Q6_K},
    {"products IQ4_NL", compare_products, PL_TYPE_IQ4_NL},
    {"products IQ4_XS", compare_products, PL_TYPE_IQ4_XS},
    {"products F16", compare_float_products, PL_TYPE_F16},
    {"products BF16", compare_float_products, PL_TYPE_BF16},
    {"quantised activations", compare_activations, 0},
    {"packing", compare_packing, 0},
    {"checksums", compare_checksums, 0},
    {"element-wise", compare_elementwise, 0},
    {"float16", compare_halves, 0},
    {"rotary embedding", compare_rope, 0},
    {"argmax, sums of exp", compare_reductions, 0},
    {"noise", compare_noise, 0},
    {"KV pages", compare_kv_pages, 0},
    {"attention", compare_attention, 0},
};

enum { FAMILIES = sizeof families / sizeof families[0] };

#endif
