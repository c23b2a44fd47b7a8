#if defined(__aarch64__)

#include "isa/neon.h"
#include "elementwise/body.inc"

#endif
