#if defined(__x86_64__)

#include "isa/avx2.h"

#define SCORE_TILES PL_NARROW_SCORE_TILES
#define VALUE_VECTORS PL_NARROW_VALUE_VECTORS
#define INT8_TILES PL_NARROW_INT8_TILES
#define INT8_VECTORS PL_NARROW_INT8_VECTORS
#include "attention/common.inc"
#include "attention/half.inc"
#include "attention/int8.inc"

const pl_attention_kernels VARIANT(pl_attention) = {
    .chunk = {[PL_KV_F16] = VARIANT(chunk), [PL_KV_INT8] = VARIANT(chunk_int8)},
    .combine = VARIANT(combine),
    .finish = VARIANT(finish),
};

#endif
