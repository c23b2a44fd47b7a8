#if defined(__x86_64__)

#include "isa/avx512.h"
#include "noise/body.inc"

#endif
