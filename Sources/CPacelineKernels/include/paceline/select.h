#ifndef PACELINE_SELECT_H
#define PACELINE_SELECT_H

#include <stdint.h>

/// Writes the indices i with x[i] >= threshold to `indices`, ascending, and returns how many there are.
///
/// At most `capacity` are written; the returned count may be larger. NaN is never selected.
int64_t pl_select_at_least(const float *x, int64_t count, float threshold, int32_t *indices, int64_t capacity);

/// The first index whose x is not finite, or `count`.
int64_t pl_first_not_finite(const float *x, int64_t count);

/// x[i] /= divisor: one IEEE operation an element. A quotient of finite numbers that is too large for float32 becomes
/// the largest one of its sign, so that nothing later subtracts infinities.
void pl_divide(float *x, float divisor, int64_t count);

#endif
