#ifndef PACELINE_ISA_DISPATCH_H
#define PACELINE_ISA_DISPATCH_H

#include "paceline/cpu.h"

/// The variant of `name` (a function, or the address of a table: &name) for an instruction set: name_avx512 and so on.
/// It is name_scalar for a set that this library was not compiled for.
#if defined(__x86_64__)
#define PL_VARIANT(isa, name) \
    ((isa) == PL_ISA_AVX512 ? name##_avx512 : (isa) == PL_ISA_AVX2 ? name##_avx2 : name##_scalar)
#elif defined(__aarch64__)
#define PL_VARIANT(isa, name) ((isa) == PL_ISA_NEON ? name##_neon : name##_scalar)
#else
#define PL_VARIANT(isa, name) ((void)(isa), name##_scalar)
#endif

#endif
