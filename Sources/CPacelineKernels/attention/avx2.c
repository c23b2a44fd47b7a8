#if defined(__x86_64__)

#include "isa/lanes_avx2.h"

enum { SCORE_TILES = 1, VALUE_VECTORS = 1, INT8_TILES = 1, INT8_VECTORS = 1 };
#include "attention/common.inc"
#include "attention/half.inc"
#include "attention/int8.inc"

const pl_attention_kernels PL_LANES(pl_attention) = {
    .chunk = {[PL_KV_F16] = PL_LANES(chunk), [PL_KV_INT8] = PL_LANES(chunk_int8)},
    .combine = PL_LANES(combine),
    .finish = PL_LANES(finish),
};

#endif
