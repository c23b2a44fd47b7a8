#include "paceline/cpu.h"

#if defined(__x86_64__)
static int has_avx2(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
}

static int has_avx512_vnni(void) {
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
        && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")
        && __builtin_cpu_supports("avx512vnni");
}
#endif

int pl_isa_supported(pl_isa isa) {
    switch (isa) {
    case PL_ISA_SCALAR: return 1;
#if defined(__x86_64__)
    case PL_ISA_AVX2: return has_avx2();
    case PL_ISA_AVX512: return has_avx512_vnni();
#endif
    default: return 0;
    }
}

pl_isa pl_isa_best(void) {
    if (pl_isa_supported(PL_ISA_AVX512)) return PL_ISA_AVX512;
    if (pl_isa_supported(PL_ISA_AVX2)) return PL_ISA_AVX2;
    return PL_ISA_SCALAR;
}

const char *pl_isa_name(pl_isa isa) {
    switch (isa) {
    case PL_ISA_SCALAR: return "scalar";
    case PL_ISA_AVX2: return "avx2";
    case PL_ISA_AVX512: return "avx512-vnni";
    case PL_ISA_NEON: return "neon";
    }
    return "unknown";
}
