#include "isa/scalar.h"
#include "quant/activations.h"

INLINE uint32_t block_largest(const float *x) { return pl_largest_magnitude_bits(x, PL_ACTIVATION_BLOCK); }

INLINE void block_codes(const float *x, float inverse, int8_t *codes, int32_t sum[2]) {
    sum[0] = sum[1] = 0;
    for (int i = 0; i < PL_ACTIVATION_BLOCK; ++i) {
        const int32_t code = pl_round_to_even(x[i] * inverse);
        codes[i] = (int8_t)code;
        sum[i >> 4] += code;
    }
}

#include "quant/activations.inc"
