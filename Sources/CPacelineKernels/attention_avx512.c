#if defined(__x86_64__)

#include "lanes_avx512.h"

enum { SCORE_TILES = 4, VALUE_VECTORS = 4 };
#include "attention_body.h"

#endif
