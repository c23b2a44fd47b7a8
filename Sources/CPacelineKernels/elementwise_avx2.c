#if defined(__x86_64__)

#include "lanes_avx2.h"
#include "elementwise_body.h"

#endif
