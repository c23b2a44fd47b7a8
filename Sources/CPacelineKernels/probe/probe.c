#include "paceline/probe.h"

#include "isa/dispatch.h"
#include "isa/plain.h"
#include "probe/kernels.h"

// What the hardware can do at most, so that a benchmark can say how much of it was reached. No bit of a model depends
// on this.

enum { PROBE_CHUNK = 1 << 20, SUMS = 256 };

typedef struct probe {
    const pl_probe_kernels *kernels;
    uint64_t (*read)(const uint8_t *data, size_t bytes);
    const uint8_t *data;
    size_t bytes;
    uint64_t rounds;
    uint64_t sums[SUMS];
} probe;

uint64_t pl_probe_read_scalar(const uint8_t *data, size_t bytes) {
    uint64_t sums[8] = {0};
    const uint64_t *words = (const uint64_t *)data;
    for (size_t i = 0; i < bytes / 8; i += 8) {
        pl_prefetch_ahead(data + i * 8);
        for (int lane = 0; lane < 8; ++lane) sums[lane] ^= words[i + (size_t)lane];
    }
    return sums[0] ^ sums[1] ^ sums[2] ^ sums[3] ^ sums[4] ^ sums[5] ^ sums[6] ^ sums[7];
}

uint64_t pl_probe_read_codes_scalar(const uint8_t *data, size_t bytes) {
    uint32_t sum = 0;
    for (size_t i = 0; i < bytes; i += 64) {
        pl_prefetch_ahead(data + i);
        for (size_t j = i; j < i + 64; ++j) sum += (data[j] & 15u) * 3u + (data[j] >> 4) * 5u;
    }
    return sum;
}

static uint64_t float_scalar(uint64_t rounds) {
    volatile float sum = 0;
    for (uint64_t round = 0; round < rounds; ++round) sum = sum * 0.5f + 1.0f;
    return (uint64_t)sum;
}

static uint64_t int8_scalar(uint64_t rounds) {
    volatile uint32_t sum = 0;
    for (uint64_t round = 0; round < rounds; ++round) sum += (uint32_t)(uint8_t)round * 3u;
    return sum;
}

const pl_probe_kernels pl_probe_scalar = {
    .read = pl_probe_read_scalar,
    .read_codes = pl_probe_read_codes_scalar,
    .int8 = int8_scalar,
    .float32 = float_scalar,
    .int8_per_round = 1,
    .float32_per_round = 1,
};

static const pl_probe_kernels *kernels(pl_isa isa) { return PL_VARIANT(isa, &pl_probe); }

static void read_task(void *context, int64_t item, int thread) {
    probe *p = context;
    size_t start = (size_t)item * PROBE_CHUNK;
    size_t bytes = p->bytes - start < PROBE_CHUNK ? p->bytes - start : PROBE_CHUNK;
    p->sums[thread % SUMS] += p->read(p->data + start, bytes);
}

static void int8_task(void *context, int64_t item, int thread) {
    (void)item;
    probe *p = context;
    p->sums[thread % SUMS] += p->kernels->int8(p->rounds);
}

static void float_task(void *context, int64_t item, int thread) {
    (void)item;
    probe *p = context;
    p->sums[thread % SUMS] += p->kernels->float32(p->rounds);
}

static uint64_t total(const probe *p) {
    uint64_t sum = 0;
    for (int i = 0; i < SUMS; ++i) sum += p->sums[i];
    return sum;
}

static uint64_t read_all(probe p, pl_pool *pool) {
    pl_pool_run(pool, pl_groups((int64_t)p.bytes, PROBE_CHUNK), read_task, &p);
    return total(&p);
}

uint64_t pl_probe_read(pl_isa isa, pl_pool *pool, const void *data, size_t bytes) {
    return read_all((probe){.read = kernels(isa)->read, .data = data, .bytes = bytes}, pool);
}

uint64_t pl_probe_read_codes(pl_isa isa, pl_pool *pool, const void *data, size_t bytes) {
    return read_all((probe){.read = kernels(isa)->read_codes, .data = data, .bytes = bytes}, pool);
}

/// Runs sixteen short items per thread, so that a paused thread does not decide the figure. Returns the number of
/// rounds.
static uint64_t run(probe *p, pl_pool *pool, pl_task task, uint64_t *sink) {
    const int items = 16 * pl_pool_threads(pool);
    pl_pool_run(pool, items, task, p);
    *sink = total(p);
    return p->rounds * (uint64_t)items;
}

uint64_t pl_probe_int8(pl_isa isa, pl_pool *pool, uint64_t rounds, uint64_t *sink) {
    probe p = {.kernels = kernels(isa), .rounds = rounds};
    return run(&p, pool, int8_task, sink) * p.kernels->int8_per_round;
}

uint64_t pl_probe_float(pl_isa isa, pl_pool *pool, uint64_t rounds, uint64_t *sink) {
    probe p = {.kernels = kernels(isa), .rounds = rounds};
    return run(&p, pool, float_task, sink) * p.kernels->float32_per_round;
}
