#if defined(__aarch64__)
#include <arm_neon.h>

#define TARGET
#define INLINE static inline __attribute__((always_inline)) TARGET

enum { LANES = 4 };
typedef float32x4_t vec_f;

INLINE vec_f f_load(const float *x) { return vld1q_f32(x); }
INLINE void f_store(float *x, vec_f v) { vst1q_f32(x, v); }
INLINE vec_f f_set1(float x) { return vdupq_n_f32(x); }
INLINE vec_f f_add(vec_f a, vec_f b) { return vaddq_f32(a, b); }
INLINE vec_f f_fma(vec_f a, vec_f b, vec_f c) { return vfmaq_f32(c, a, b); }

#define FLOAT_VECTORS 4
#define FLOAT_STEPS(X) X(6) X(4) X(2) X(1)
#define FLOAT_KERNEL pl_float_block_neon
#include "matmul/panel.inc"
#endif
