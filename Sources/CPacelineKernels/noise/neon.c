#if defined(__aarch64__)

#include "isa/lanes_neon.h"
#include "noise/body.inc"

#endif
