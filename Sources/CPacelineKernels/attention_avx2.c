#if defined(__x86_64__)

#include "lanes_avx2.h"

enum { SCORE_TILES = 1, VALUE_VECTORS = 1 };
#include "attention_body.h"

#endif
