#ifndef PACELINE_QUANT_HALF_H
#define PACELINE_QUANT_HALF_H

#include "isa/plain.h"

/// IEEE float16 to float32, exact. Subnormals are scaled from an integer; infinities and NaN keep their payload.
static inline float pl_half_value(uint16_t half) {
    uint32_t sign = (uint32_t)(half & 0x8000) << 16;
    uint32_t exponent = half >> 10 & 31;
    uint32_t fraction = half & 0x3ff;
    if (exponent == 0) {
        float magnitude = (float)fraction * 0x1p-24f;
        return sign ? -magnitude : magnitude;
    }
    uint32_t wide = exponent == 31 ? 255 : exponent + 112;
    return pl_from_bits(sign | wide << 23 | fraction << 13);
}

static inline float pl_bfloat_value(uint16_t bits) { return pl_from_bits((uint32_t)bits << 16); }

#endif
