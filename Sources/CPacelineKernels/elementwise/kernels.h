#ifndef PACELINE_ELEMENTWISE_KERNELS_H
#define PACELINE_ELEMENTWISE_KERNELS_H

#include "paceline/elementwise.h"

/// The element-wise kernels of one instruction set; the functions are those of paceline/elementwise.h.
typedef struct pl_elementwise_kernels {
    void (*exp)(const float *x, float *y, int64_t count);
    void (*log)(const float *x, float *y, int64_t count);
    void (*rms_norm)(const float *x, const float *weight, float eps, float *out, int64_t count);
    void (*add)(float *x, const float *y, int64_t count);
    void (*silu_multiply)(float *gate, const float *up, int64_t count);
    void (*gelu_multiply)(float *gate, const float *up, int64_t count);
    void (*rope_halves)(float *head, int64_t dims, const float *cosines, const float *sines);
    void (*rope_pairs)(float *head, int64_t dims, const float *cosines, const float *sines);
    int64_t (*argmax)(const float *x, int64_t count, float *largest);
    double (*sum_exp)(const float *x, float shift, int64_t count);
    void (*to_half)(const float *x, uint16_t *y, int64_t count);
    void (*from_half)(const uint16_t *x, float *y, int64_t count);
} pl_elementwise_kernels;

extern const pl_elementwise_kernels pl_elementwise_scalar, pl_elementwise_avx2, pl_elementwise_avx512,
    pl_elementwise_neon;

#endif
