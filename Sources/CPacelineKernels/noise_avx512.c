#if defined(__x86_64__)

#include "lanes_avx512.h"
#include "noise_body.h"

#endif
