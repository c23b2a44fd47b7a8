#ifndef PACELINE_ISA_SCALAR_H
#define PACELINE_ISA_SCALAR_H

#include "isa/plain.h"

// The macros of isa/avx512.h and its siblings, for fragments that are compiled as plain C too.

#define TARGET
#define INLINE PL_INLINE
#define VARIANT(name) name##_scalar

#endif
