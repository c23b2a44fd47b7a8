#ifndef PACELINE_ELEMENTWISE_H
#define PACELINE_ELEMENTWISE_H

#include <stddef.h>
#include <stdint.h>

#include "paceline/cpu.h"

// The scalar twins (elementwise/scalar.c) define the bits; every instruction set equals them. A NaN that arithmetic
// makes has no defined payload.

/// exp and natural log in float32 with bits of their own, within 1 unit in the last place: no libm, the same on every
/// CPU.
///
/// exp of anything below -87.33654 (a subnormal result) is 0. log of 0 is minus infinity and of a negative number NaN;
/// the NaN they return is 0x7fc00000.
float pl_expf(float x);
float pl_logf(float x);

/// y[i] = exp(x[i]), and log, in place or not. Other kernels have them inline; tests compare them here.
void pl_exp(pl_isa isa, const float *x, float *y, int64_t count);
void pl_log(pl_isa isa, const float *x, float *y, int64_t count);

/// out = x / sqrt(mean(x^2) + eps) * weight, over one row of `count`. `out` may be `x`. The squares are summed in
/// sixteen interleaved lanes, added up by halving.
void pl_rms_norm(pl_isa isa, const float *x, const float *weight, float eps, float *out, int64_t count);

/// x += y.
void pl_add(pl_isa isa, float *x, const float *y, int64_t count);

/// gate = silu(gate) * up.
void pl_silu_multiply(pl_isa isa, float *gate, const float *up, int64_t count);

/// gate = gelu(gate) * up, with the tanh form of GELU (arXiv 1606.08415): x / (1 + exp(-(L x + C x^3))), where
/// L = 2 sqrt(2 / pi) and C = 0.044715 L.
void pl_gelu_multiply(pl_isa isa, float *gate, const float *up, int64_t count);

/// x[i] *= factor: one IEEE operation an element, so there is no other version.
void pl_scale(float *x, float factor, int64_t count);

/// cosines and sines (dims / 2 each) of the rotation angles at `position`, for rotary embeddings with base `theta`.
/// `factors` (dims / 2, or NULL) divide the frequencies (Llama 3 long-context scaling). Float64 inside, no libm.
void pl_rope_angles(int64_t position, double theta, const float *factors, int64_t dims, float *cosines, float *sines);

/// Rotates the first `dims` of each of `heads` heads (stride `head_dim`) in place.
/// `neox` != 0 pairs (i, i + dims/2) as Qwen does; 0 pairs (2i, 2i+1) as llama GGUF files need.
void pl_rope(
    pl_isa isa, float *x, int64_t heads, int64_t head_dim, int64_t dims, const float *cosines, const float *sines,
    int neox);

/// The largest value and its index; the lowest index wins a tie. NaN never wins: without anything above minus infinity
/// the answer is index 0 and minus infinity. `count` is 1 ..< 2^31.
int64_t pl_argmax(pl_isa isa, const float *x, int64_t count, float *largest);

/// sum over i of exp(x[i] - shift), accumulated in float64 over 16 interleaved lanes and a fixed reduction tree.
double pl_sum_exp(pl_isa isa, const float *x, float shift, int64_t count);

/// float32 <-> IEEE float16, round to nearest even; NaN becomes quiet and keeps its upper payload bits.
void pl_to_half(pl_isa isa, const float *x, uint16_t *y, int64_t count);
void pl_from_half(pl_isa isa, const uint16_t *x, float *y, int64_t count);

#endif
