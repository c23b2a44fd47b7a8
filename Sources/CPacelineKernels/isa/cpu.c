#define _GNU_SOURCE
#include "paceline/cpu.h"

#include <sched.h>
#include <unistd.h>

#if defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

#if defined(__x86_64__)
static int has_avx2(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
}

static int has_avx512_vnni(void) {
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
        && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")
        && __builtin_cpu_supports("avx512vnni");
}
#elif defined(__aarch64__)
/// NEON itself is part of every AArch64 CPU. The dot product is an extension up to Armv8.3.
static int has_dot_product(void) {
#if defined(__linux__)
    return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
#else
    return 0;
#endif
}
#endif

int pl_isa_supported(pl_isa isa) {
    switch (isa) {
    case PL_ISA_SCALAR: return 1;
#if defined(__x86_64__)
    case PL_ISA_AVX2: return has_avx2();
    case PL_ISA_AVX512: return has_avx512_vnni();
#elif defined(__aarch64__)
    case PL_ISA_NEON: return has_dot_product();
#endif
    default: return 0;
    }
}

pl_isa pl_isa_best(void) {
    if (pl_isa_supported(PL_ISA_NEON)) return PL_ISA_NEON;
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

int pl_cpu_affinity(void) {
    // Bits for all CPUs of the largest kernel, which refuses a set that is smaller than its own.
    cpu_set_t set[8];
    if (sched_getaffinity(0, sizeof set, set) == 0) return CPU_COUNT_S(sizeof set, set);
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (int)online : 1;
}
