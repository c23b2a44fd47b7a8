#include "paceline/blas.h"

#include <cblas.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

// OpenBLAS is loaded with dlopen and not linked, because it reads OPENBLAS_CORETYPE in its constructor: the variable
// has to be there first. Version 0.3.21 runs on newer CPUs than it knows with kernels from 2004, at a quarter of their
// speed.

static const char *const LIBRARY = "libopenblas.so.0";

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char failure[512];
static __typeof__(&cblas_sgemm) sgemm;
static __typeof__(&cblas_dgemm) dgemm;
static __typeof__(&openblas_get_corename) corename;

/// The best core type of OpenBLAS 0.3 for this CPU, or NULL to leave the choice to it.
static const char *core_type(void) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq")
        && __builtin_cpu_supports("avx512vl")) {
        return "SkylakeX";
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return "Haswell";
#endif
    return NULL;
}

static void load(void) {
    const char *core = core_type();
    if (core) setenv("OPENBLAS_CORETYPE", core, 0);
    // The pool shares the work out. OpenBLAS must not start threads of its own.
    setenv("OPENBLAS_NUM_THREADS", "1", 1);
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        snprintf(
            failure, sizeof failure, "cannot load OpenBLAS: %s (on Debian: apt install libopenblas0-pthread)",
            dlerror());
        return;
    }
    __typeof__(&openblas_set_num_threads) set_threads;
    *(void **)&sgemm = dlsym(library, "cblas_sgemm");
    *(void **)&dgemm = dlsym(library, "cblas_dgemm");
    *(void **)&corename = dlsym(library, "openblas_get_corename");
    *(void **)&set_threads = dlsym(library, "openblas_set_num_threads");
    if (!sgemm || !dgemm || !corename || !set_threads) {
        sgemm = NULL;
        snprintf(failure, sizeof failure, "%s is not an OpenBLAS with the CBLAS interface", LIBRARY);
        return;
    }
    set_threads(1);
}

int pl_blas_load(void) {
    pthread_once(&once, load);
    return sgemm ? 0 : -1;
}

const char *pl_blas_error(void) { return failure; }

const char *pl_blas_core(void) { return sgemm ? corename() : ""; }

static void require(void) {
    if (pl_blas_load() == 0) return;
    fprintf(stderr, "%s\n", failure);
    abort();
}

void pl_blas_sgemm_nt(
    int64_t m, int64_t n, int64_t k, const float *a, int64_t lda, const float *b, int64_t ldb, float *c, int64_t ldc) {
    require();
    sgemm(
        CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)m, (blasint)n, (blasint)k, 1, a, (blasint)lda, b,
        (blasint)ldb, 0, c, (blasint)ldc);
}

static enum CBLAS_TRANSPOSE form(bool transposed) { return transposed ? CblasTrans : CblasNoTrans; }

void pl_blas_sgemm(const pl_blas_product *p, const float *a, const float *b, float *c) {
    require();
    sgemm(
        CblasRowMajor, form(p->transpose_a), form(p->transpose_b), (blasint)p->m, (blasint)p->n, (blasint)p->k,
        (float)p->alpha, a, (blasint)p->lda, b, (blasint)p->ldb, (float)p->beta, c, (blasint)p->ldc);
}

void pl_blas_dgemm(const pl_blas_product *p, const double *a, const double *b, double *c) {
    require();
    dgemm(
        CblasRowMajor, form(p->transpose_a), form(p->transpose_b), (blasint)p->m, (blasint)p->n, (blasint)p->k,
        p->alpha, a, (blasint)p->lda, b, (blasint)p->ldb, p->beta, c, (blasint)p->ldc);
}
