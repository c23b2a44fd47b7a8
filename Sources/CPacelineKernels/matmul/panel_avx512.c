#if defined(__x86_64__)
#include <immintrin.h>

#define TARGET __attribute__((target("avx512f,avx2,fma")))
#define INLINE static inline __attribute__((always_inline)) TARGET

enum { LANES = 16 };
typedef __m512 vec_f;

INLINE vec_f f_load(const float *x) { return _mm512_loadu_ps(x); }
INLINE void f_store(float *x, vec_f v) { _mm512_storeu_ps(x, v); }
INLINE vec_f f_set1(float x) { return _mm512_set1_ps(x); }
INLINE vec_f f_add(vec_f a, vec_f b) { return _mm512_add_ps(a, b); }
INLINE vec_f f_fma(vec_f a, vec_f b, vec_f c) { return _mm512_fmadd_ps(a, b, c); }

#define FLOAT_VECTORS 2
#define FLOAT_STEPS(X) X(12) X(8) X(4) X(2) X(1)
#define FLOAT_KERNEL pl_float_block_avx512
#include "matmul/panel.inc"
#endif
