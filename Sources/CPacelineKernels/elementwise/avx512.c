#if defined(__x86_64__)

#include "isa/avx512.h"
#include "elementwise/body.inc"

#endif
