#if defined(__x86_64__)

#include "lanes_avx512.h"
#include "elementwise_body.h"

#endif
