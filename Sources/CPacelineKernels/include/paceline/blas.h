#ifndef PACELINE_BLAS_H
#define PACELINE_BLAS_H

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

#endif
