#ifndef PACELINE_BLAS_H
#define PACELINE_BLAS_H

#include <stdbool.h>
#include <stdint.h>

/// Loads OpenBLAS on first use, after choosing its core type for this CPU. By itself it falls back to ancient kernels
/// on CPUs that are newer than it. Thread-safe. 0, or -1 with a reason in pl_blas_error().
///
/// It sets the environment variables OPENBLAS_CORETYPE (unless it is set) and OPENBLAS_NUM_THREADS. setenv is not safe
/// against a getenv on another thread, so call this early, before other threads run.
int pl_blas_load(void);
const char *pl_blas_error(void);
/// The core that OpenBLAS chose ("SkylakeX"), or "" before it is loaded.
const char *pl_blas_core(void);

/// c (m x n, stride ldc) = a (m x k, stride lda) . transpose(b (n x k, stride ldb)), row-major, on the calling thread
/// alone.
///
/// Loads the library if necessary. If that fails the process ends, so callers ask pl_blas_load() first.
void pl_blas_sgemm_nt(
    int64_t m, int64_t n, int64_t k, const float *a, int64_t lda, const float *b, int64_t ldb, float *c, int64_t ldc);

/// A product of row-major matrices: c (m x n) = alpha . op(a) (m x k) . op(b) (k x n) + beta . c. op(x) is x, or its
/// transpose. Strides are those of the matrices as they lie in memory.
typedef struct pl_blas_product {
    int64_t m, n, k;
    bool transpose_a, transpose_b;
    int64_t lda, ldb, ldc;
    double alpha, beta;
} pl_blas_product;

/// The product on the calling thread alone, as pl_blas_sgemm_nt; for training, which needs all forms of it.
void pl_blas_sgemm(const pl_blas_product *product, const float *a, const float *b, float *c);
void pl_blas_dgemm(const pl_blas_product *product, const double *a, const double *b, double *c);

#endif
