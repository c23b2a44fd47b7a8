#ifndef PACELINE_CPU_H
#define PACELINE_CPU_H

/// The instruction sets that have kernels. On one architecture, a higher value is a faster set.
typedef enum pl_isa {
    PL_ISA_SCALAR = 0,  ///< portable C; defines the bits of every kernel
    PL_ISA_AVX2 = 1,    ///< x86-64 with AVX2, FMA and F16C
    PL_ISA_AVX512 = 2,  ///< x86-64 with AVX-512 F, BW, DQ, VL and VNNI
    PL_ISA_NEON = 3,    ///< AArch64 with the dot-product extension
} pl_isa;

/// The fastest instruction set that this CPU has and this library was compiled with.
pl_isa pl_isa_best(void);

/// Whether this CPU can run kernels of `isa`.
int pl_isa_supported(pl_isa isa);

/// "scalar", "avx2", "avx512-vnni", "neon".
const char *pl_isa_name(pl_isa isa);

/// The number of CPUs that the calling thread may run on, or of those that are online if the system does not say.
int pl_cpu_affinity(void);

#endif
