#include "paceline/select.h"

#include <float.h>

#include "isa/plain.h"
#include "tuning.h"

int64_t pl_select_at_least(const float *x, int64_t count, float threshold, int32_t *indices, int64_t capacity) {
    int64_t found = 0;
    for (int64_t i = 0; i < count; ++i) {
        if (!(x[i] >= threshold)) continue;
        if (found < capacity) indices[found] = (int32_t)i;
        ++found;
    }
    return found;
}

int64_t pl_first_not_finite(const float *x, int64_t count) {
    for (int64_t from = 0; from < count; from += PL_SEARCH_GROUP) {
        const int64_t to = pl_smaller(count, from + PL_SEARCH_GROUP);
        uint32_t found = 0;
        for (int64_t i = from; i < to; ++i) found |= (pl_bits(x[i]) & PL_INFINITE_BITS) == PL_INFINITE_BITS;
        if (!found) continue;
        while ((pl_bits(x[from]) & PL_INFINITE_BITS) != PL_INFINITE_BITS) ++from;
        return from;
    }
    return count;
}

void pl_divide(float *x, float divisor, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
        const float quotient = x[i] / divisor, capped = quotient > FLT_MAX ? FLT_MAX : quotient;
        x[i] = capped < -FLT_MAX ? -FLT_MAX : capped;
    }
}
