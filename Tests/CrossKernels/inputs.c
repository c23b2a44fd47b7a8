#include "inputs.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "comparison.h"

uint64_t next(inputs *in) {
    in->state += 0x9e3779b97f4a7c15;
    uint64_t z = in->state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

int64_t below(inputs *in, int64_t limit) { return (int64_t)(next(in) % (uint64_t)limit); }

float *floats(inputs *in, size_t count, float scale) {
    float *x = allocate(count * sizeof *x);
    for (size_t i = 0; i < count; ++i) x[i] = (float)((int32_t)(next(in) >> 32) / 256) * 0x1p-23f * scale;
    return x;
}

float *patterns(inputs *in, size_t count) {
    static const float special[] = {
        0,           -0.0f,        1,
        -1,          INFINITY,     -INFINITY,
        NAN,         FLT_TRUE_MIN, -FLT_TRUE_MIN,
        FLT_MIN,     -FLT_MIN,     0x1.fffffcp-127f,
        FLT_MAX,     -FLT_MAX,     88.722839f,
        88.722847f,  -87.33654f,   -87.336548f,
        0.70710677f, 0.70710683f,  65504,
        65520,       6.1e-5f,      5.96e-8f,
        2.98e-8f,    16777216,     -16777215,
    };
    float *x = allocate(count * sizeof *x);
    for (size_t i = 0; i < count; ++i) {
        const uint64_t random = next(in);
        const uint32_t bits = (uint32_t)random;
        memcpy(&x[i], &bits, sizeof bits);
        if (i % 3 == 0) x[i] = special[random % (sizeof special / sizeof special[0])];
    }
    return x;
}

const char *weights_name(weights kind) {
    return kind == ORDINARY ? "ordinary" : kind == LARGEST ? "largest" : "subnormal";
}

/// Writes the offsets of the half-precision scales in a block; returns their number.
static int scale_fields(pl_type type, size_t offsets[2]) {
    offsets[0] = 0;
    offsets[1] = 2;
    switch (type) {
    case PL_TYPE_Q4_1:
    case PL_TYPE_Q5_1:
    case PL_TYPE_Q4_K:
    case PL_TYPE_Q5_K: return 2;
    case PL_TYPE_Q2_K:
        offsets[0] = 80;
        offsets[1] = 82;
        return 2;
    case PL_TYPE_Q3_K: offsets[0] = 108; return 1;
    case PL_TYPE_Q6_K: offsets[0] = 208; return 1;
    default: return 1;
    }
}

static uint16_t scale_bits(weights kind, uint64_t random) {
    const uint16_t bits = (uint16_t)random, sign = bits & 0x8000;
    switch (kind) {
    case ORDINARY: return (uint16_t)((0x2000 + (bits & 0x1bff)) | sign);
    case LARGEST: return 0x7bff | sign;
    case SUBNORMAL: return bits & 0x83ff;
    }
    return 0;
}

uint8_t *weight_blocks(inputs *in, pl_type type, size_t count, weights kind) {
    const size_t block_bytes = pl_type_block_bytes(type);
    uint8_t *blocks = allocate(count * block_bytes);
    size_t offsets[2];
    const int fields = scale_fields(type, offsets);
    for (size_t block = 0; block < count; ++block) {
        uint8_t *bytes = blocks + block * block_bytes;
        for (size_t i = 0; i < block_bytes; ++i) {
            const uint64_t random = next(in);
            bytes[i] = (uint8_t)(kind == LARGEST ? (random & 1) * 255 : random);
        }
        for (int field = 0; field < fields; ++field) {
            const uint16_t bits = scale_bits(kind, next(in));
            memcpy(bytes + offsets[field], &bits, sizeof bits);
        }
    }
    return blocks;
}
