#include "paceline/select.h"

int64_t pl_select_at_least(const float *x, int64_t count, float threshold, int32_t *indices, int64_t capacity) {
    int64_t found = 0;
    for (int64_t i = 0; i < count; ++i) {
        if (!(x[i] >= threshold)) continue;
        if (found < capacity) indices[found] = (int32_t)i;
        ++found;
    }
    return found;
}

void pl_divide(float *x, float divisor, int64_t count) {
    for (int64_t i = 0; i < count; ++i) x[i] /= divisor;
}
