#ifndef PACELINE_ELEMENTWISE_H
#define PACELINE_ELEMENTWISE_H

#include <stddef.h>
#include <stdint.h>

#include "paceline/cpu.h"

/// exp, natural log, sin and cos in float32 with bits of their own: no libm, the same on every CPU.
float pl_expf(float x);
float pl_logf(float x);

/// y[i] = exp(x[i]), and log; in place allowed.
void pl_exp(pl_isa isa, const float *x, float *y, int64_t count);
void pl_log(pl_isa isa, const float *x, float *y, int64_t count);

/// out = x / sqrt(mean(x^2) + eps) * weight, over one row of `count`. `out` may be `x`.
void pl_rms_norm(pl_isa isa, const float *x, const float *weight, float eps, float *out, int64_t count);

/// x += y.
void pl_add(pl_isa isa, float *x, const float *y, int64_t count);

/// gate = silu(gate) * up.
void pl_silu_multiply(pl_isa isa, float *gate, const float *up, int64_t count);

/// cosines and sines (dims / 2 each) of the rotation angles at `position`, for rotary embeddings with base `theta`.
/// `factors` (dims / 2, or NULL) divide the frequencies (Llama 3 long-context scaling). Float64 inside, no libm.
void pl_rope_angles(int64_t position, double theta, const float *factors, int64_t dims, float *cosines, float *sines);

/// Rotates the first `dims` of each of `heads` heads (stride `head_dim`) in place.
/// `neox` != 0 pairs (i, i + dims/2) as Qwen does; 0 pairs (2i, 2i+1) as llama GGUF files need.
void pl_rope(
    pl_isa isa, float *x, int64_t heads, int64_t head_dim, int64_t dims, const float *cosines, const float *sines, int neox);

/// The largest value and its index; the lowest index wins a tie. NaN never wins. `count` >= 1.
int64_t pl_argmax(pl_isa isa, const float *x, int64_t count, float *largest);

/// sum over i of exp(x[i] - shift), accumulated in float64 over 16 interleaved lanes and a fixed reduction tree.
double pl_sum_exp(pl_isa isa, const float *x, float shift, int64_t count);

/// float32 <-> IEEE float16, round to nearest even.
void pl_to_half(pl_isa isa, const float *x, uint16_t *y, int64_t count);
void pl_from_half(pl_isa isa, const uint16_t *x, float *y, int64_t count);

#endif
