#ifndef PACELINE_BLAS_H
#define PACELINE_BLAS_H

#include <stdint.h>

/// Loads OpenBLAS on first use, after choosing its core type for this CPU (it falls back to ancient kernels on CPUs that
/// are newer than it). Thread-safe. 0, or -1 with a reason in pl_blas_error().
int pl_blas_load(void);
const char *pl_blas_error(void);
/// The core that OpenBLAS chose ("SkylakeX"), or "" before it is loaded.
const char *pl_blas_core(void);

/// c (m x n, stride ldc) = a (m x k, stride lda) . transpose(b (n x k, stride ldb)), row-major, on the calling thread alone.
void pl_blas_sgemm_nt(
    int64_t m, int64_t n, int64_t k, const float *a, int64_t lda, const float *b, int64_t ldb, float *c, int64_t ldc);

#endif
