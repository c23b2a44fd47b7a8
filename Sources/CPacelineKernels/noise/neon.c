#if defined(__aarch64__)

#include "isa/neon.h"
#include "noise/body.inc"

#endif
