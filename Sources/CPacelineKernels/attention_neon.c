#if defined(__aarch64__)

#include "lanes_neon.h"

enum { SCORE_TILES = 1, VALUE_VECTORS = 1 };
#include "attention_body.h"

#endif
