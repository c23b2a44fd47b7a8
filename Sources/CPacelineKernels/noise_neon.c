#if defined(__aarch64__)

#include "lanes_neon.h"
#include "noise_body.h"

#endif
