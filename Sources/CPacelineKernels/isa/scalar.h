#ifndef PACELINE_ISA_SCALAR_H
#define PACELINE_ISA_SCALAR_H

#include "isa/plain.h"

// What isa/avx512.h and its siblings say of their instruction sets, for fragments that are compiled as plain C too.

#define TARGET
#define INLINE PL_INLINE
#define VARIANT(name) name##_scalar

#endif
