#if defined(__x86_64__)
#include <immintrin.h>

#define TARGET __attribute__((target("avx2,fma")))
#define INLINE static inline __attribute__((always_inline)) TARGET

enum { LANES = 8 };
typedef __m256 vec_f;

INLINE vec_f f_load(const float *x) { return _mm256_loadu_ps(x); }
INLINE void f_store(float *x, vec_f v) { _mm256_storeu_ps(x, v); }
INLINE vec_f f_set1(float x) { return _mm256_set1_ps(x); }
INLINE vec_f f_add(vec_f a, vec_f b) { return _mm256_add_ps(a, b); }
INLINE vec_f f_fma(vec_f a, vec_f b, vec_f c) { return _mm256_fmadd_ps(a, b, c); }

#define FLOAT_VECTORS 2
#define FLOAT_STEPS(X) X(6) X(4) X(2) X(1)
#define FLOAT_KERNEL pl_float_block_avx2
#include "matmul/panel.inc"
#endif
