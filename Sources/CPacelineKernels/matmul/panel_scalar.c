#include "matmul/panel_kernels.h"

#include "isa/plain.h"
#if defined(__x86_64__)
#include "isa/x86.h"
#endif
#include "paceline/cpu.h"

PL_INLINE void add_block(
    const float *weights, int64_t width, int64_t cols, const float *x, int64_t x_stride, int64_t rows, float *out) {
    for (int64_t row = 0; row < rows; ++row) {
        for (int64_t lane = 0; lane < width; ++lane) {
            float sum = 0;
            for (int64_t k = 0; k < cols; ++k) {
                sum = __builtin_fmaf(weights[k * width + lane], x[row * x_stride + k], sum);
            }
            out[row * PL_FLOAT_PANEL + lane] += sum;
        }
    }
}

#if defined(__x86_64__)
/// Compiled again for CPUs with fused multiply-add, where __builtin_fmaf is an instruction instead of a call. Both
/// round correctly, so they have the same bits.
PL_AVX2 static void add_block_fused(
    const float *weights, int64_t width, int64_t cols, const float *x, int64_t x_stride, int64_t rows, float *out) {
    add_block(weights, width, cols, x, x_stride, rows, out);
}
#endif

void pl_float_block_scalar(
    const float *weights, int64_t width, int64_t cols, const float *x, int64_t x_stride, int64_t rows,
    const uint8_t *ahead, int64_t piece, float *out) {
    (void)ahead;
    (void)piece;
#if defined(__x86_64__)
    if (pl_isa_supported(PL_ISA_AVX2)) {
        add_block_fused(weights, width, cols, x, x_stride, rows, out);
        return;
    }
#endif
    add_block(weights, width, cols, x, x_stride, rows, out);
}
