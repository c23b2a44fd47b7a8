#if defined(__x86_64__)

#include "lanes_avx512.h"

enum { SCORE_TILES = 4, VALUE_VECTORS = 4, INT8_TILES = 2, INT8_VECTORS = 2 };
#include "attention_common_body.h"
#include "attention_body.h"
#include "attention_int8_body.h"

const pl_attention_kernels PL_LANES(pl_attention) = {
    .chunk = {[PL_KV_F16] = PL_LANES(chunk), [PL_KV_INT8] = PL_LANES(chunk_int8)},
    .combine = PL_LANES(combine),
    .finish = PL_LANES(finish),
};

#endif
