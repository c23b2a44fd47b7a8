#if defined(__x86_64__)

#include "isa/avx2.h"
#include "elementwise/body.inc"

#endif
