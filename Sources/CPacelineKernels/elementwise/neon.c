#if defined(__aarch64__)

#include "isa/lanes_neon.h"
#include "elementwise/body.inc"

#endif
