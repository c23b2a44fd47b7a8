#if defined(__aarch64__)

#include "lanes_neon.h"
#include "elementwise_body.h"

#endif
