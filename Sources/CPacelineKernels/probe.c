#include "paceline/probe.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

// What the hardware can do at most, so that a benchmark can say how much of it was reached. Nothing here enters a model's bits.

enum { PROBE_CHUNK = 1 << 20, PROBE_CHAINS = 16 };

typedef struct probe {
    pl_isa isa;
    const uint8_t *data;
    size_t bytes;
    uint64_t rounds;
    uint64_t sums[256];
} probe;

static uint64_t read_scalar(const uint8_t *data, size_t bytes) {
    uint64_t sums[8] = {0};
    const uint64_t *words = (const uint64_t *)data;
    for (size_t i = 0; i < bytes / 8; i += 8)
        for (int lane = 0; lane < 8; lane++) sums[lane] ^= words[i + (size_t)lane];
    return sums[0] ^ sums[1] ^ sums[2] ^ sums[3] ^ sums[4] ^ sums[5] ^ sums[6] ^ sums[7];
}

#if defined(__x86_64__)
__attribute__((target("avx512f"))) static uint64_t read_avx512(const uint8_t *data, size_t bytes) {
    __m512i a = _mm512_setzero_si512(), b = a;
    size_t i = 0;
    for (; i + 128 <= bytes; i += 128) {
        a = _mm512_xor_si512(a, _mm512_load_si512(data + i));
        b = _mm512_xor_si512(b, _mm512_load_si512(data + i + 64));
    }
    for (; i < bytes; i += 64) a = _mm512_xor_si512(a, _mm512_load_si512(data + i));
    return (uint64_t)_mm512_reduce_add_epi64(_mm512_xor_si512(a, b));
}

__attribute__((target("avx512f,avx512vnni"))) static uint64_t int8_avx512(uint64_t rounds) {
    __m512i sums[PROBE_CHAINS], x = _mm512_set1_epi32((int)rounds), y = _mm512_set1_epi8(3);
    for (int i = 0; i < PROBE_CHAINS; i++) sums[i] = _mm512_set1_epi32(i);
    for (uint64_t round = 0; round < rounds; round++)
#pragma clang loop unroll(full)
        for (int i = 0; i < PROBE_CHAINS; i++) sums[i] = _mm512_dpbusd_epi32(sums[i], x, y);
    for (int i = 1; i < PROBE_CHAINS; i++) sums[0] = _mm512_add_epi32(sums[0], sums[i]);
    return (uint64_t)_mm512_reduce_add_epi32(sums[0]);
}

__attribute__((target("avx512f"))) static uint64_t float_avx512(uint64_t rounds) {
    __m512 sums[PROBE_CHAINS], x = _mm512_set1_ps(0.5f), y = _mm512_set1_ps(1.0f);
    for (int i = 0; i < PROBE_CHAINS; i++) sums[i] = _mm512_set1_ps((float)i);
    for (uint64_t round = 0; round < rounds; round++)
#pragma clang loop unroll(full)
        for (int i = 0; i < PROBE_CHAINS; i++) sums[i] = _mm512_fmadd_ps(sums[i], x, y);
    for (int i = 1; i < PROBE_CHAINS; i++) sums[0] = _mm512_add_ps(sums[0], sums[i]);
    return (uint64_t)_mm512_reduce_add_ps(sums[0]);
}

__attribute__((target("avx2"))) static uint64_t int8_avx2(uint64_t rounds) {
    __m256i sums[8], x = _mm256_set1_epi16((short)rounds), y = _mm256_set1_epi16(3);
    for (int i = 0; i < 8; i++) sums[i] = _mm256_set1_epi32(i);
    for (uint64_t round = 0; round < rounds; round++)
#pragma clang loop unroll(full)
        for (int i = 0; i < 8; i++)
            sums[i] = _mm256_add_epi32(sums[i], _mm256_madd_epi16(_mm256_add_epi16(x, _mm256_castps_si256(_mm256_castsi256_ps(sums[i]))), y));
    for (int i = 1; i < 8; i++) sums[0] = _mm256_add_epi32(sums[0], sums[i]);
    return (uint64_t)_mm256_extract_epi32(sums[0], 0);
}

__attribute__((target("avx2,fma"))) static uint64_t float_avx2(uint64_t rounds) {
    __m256 sums[12], x = _mm256_set1_ps(0.5f), y = _mm256_set1_ps(1.0f);
    for (int i = 0; i < 12; i++) sums[i] = _mm256_set1_ps((float)i);
    for (uint64_t round = 0; round < rounds; round++)
#pragma clang loop unroll(full)
        for (int i = 0; i < 12; i++) sums[i] = _mm256_fmadd_ps(sums[i], x, y);
    for (int i = 1; i < 12; i++) sums[0] = _mm256_add_ps(sums[0], sums[i]);
    return (uint64_t)_mm256_cvtss_f32(sums[0]);
}
#endif

static uint64_t float_scalar(uint64_t rounds) {
    volatile float sum = 0;
    for (uint64_t round = 0; round < rounds; round++) sum = sum * 0.5f + 1.0f;
    return (uint64_t)sum;
}

static uint64_t int8_scalar(uint64_t rounds) {
    volatile uint32_t sum = 0;
    for (uint64_t round = 0; round < rounds; round++) sum += (uint32_t)(uint8_t)round * 3u;
    return sum;
}

static void read_task(void *context, int64_t item, int thread) {
    probe *p = context;
    size_t start = (size_t)item * PROBE_CHUNK;
    size_t bytes = p->bytes - start < PROBE_CHUNK ? p->bytes - start : PROBE_CHUNK;
    uint64_t sum;
#if defined(__x86_64__)
    sum = p->isa == PL_ISA_AVX512 ? read_avx512(p->data + start, bytes) : read_scalar(p->data + start, bytes);
#else
    sum = read_scalar(p->data + start, bytes);
#endif
    p->sums[thread & 255] ^= sum;
}

static void int8_task(void *context, int64_t item, int thread) {
    probe *p = context;
    (void)item;
#if defined(__x86_64__)
    if (p->isa == PL_ISA_AVX512) { p->sums[thread & 255] += int8_avx512(p->rounds); return; }
    if (p->isa == PL_ISA_AVX2) { p->sums[thread & 255] += int8_avx2(p->rounds); return; }
#endif
    p->sums[thread & 255] += int8_scalar(p->rounds);
}

static void float_task(void *context, int64_t item, int thread) {
    probe *p = context;
    (void)item;
#if defined(__x86_64__)
    if (p->isa == PL_ISA_AVX512) { p->sums[thread & 255] += float_avx512(p->rounds); return; }
    if (p->isa == PL_ISA_AVX2) { p->sums[thread & 255] += float_avx2(p->rounds); return; }
#endif
    p->sums[thread & 255] += float_scalar(p->rounds);
}

static uint64_t total(const probe *p) {
    uint64_t sum = 0;
    for (int i = 0; i < 256; i++) sum += p->sums[i];
    return sum;
}

uint64_t pl_probe_read(pl_isa isa, pl_pool *pool, const void *data, size_t bytes) {
    probe p = {.isa = isa, .data = data, .bytes = bytes};
    pl_pool_run(pool, (int64_t)((bytes + PROBE_CHUNK - 1) / PROBE_CHUNK), read_task, &p);
    return total(&p);
}

uint64_t pl_probe_int8(pl_isa isa, pl_pool *pool, uint64_t rounds, uint64_t *sink) {
    probe p = {.isa = isa, .rounds = rounds};
    int threads = pl_pool_threads(pool);
    // Sixteen short items a thread, so that a thread that is paused does not decide the figure.
    pl_pool_run(pool, 16 * threads, int8_task, &p);
    *sink = total(&p);
    uint64_t each = isa == PL_ISA_AVX512 ? PROBE_CHAINS * 64 : isa == PL_ISA_AVX2 ? 8 * 16 : 1;
    return rounds * each * 16 * (uint64_t)threads;
}

uint64_t pl_probe_float(pl_isa isa, pl_pool *pool, uint64_t rounds, uint64_t *sink) {
    probe p = {.isa = isa, .rounds = rounds};
    int threads = pl_pool_threads(pool);
    pl_pool_run(pool, 16 * threads, float_task, &p);
    *sink = total(&p);
    uint64_t each = isa == PL_ISA_AVX512 ? PROBE_CHAINS * 16 : isa == PL_ISA_AVX2 ? 12 * 8 : 1;
    return rounds * each * 16 * (uint64_t)threads;
}
