#include "paceline/pool.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/// `control` is the futex word of the pool: bit 0 "a run is open", bit 1 "the caller sleeps until the last thread leaves",
/// bit 2 "stop", bits 3..14 the number of workers inside the run, bits 15..31 the run's number.
///
/// A worker enters a run by adding itself while the run is open and only then reads the task; the caller returns after it
/// has closed the run and nobody is inside. So a worker that the operating system pauses outside a run holds up nobody.
enum {
    OPEN = 1,
    CALLER_SLEEPS = 2,
    STOP = 4,
    ONE_INSIDE = 8,
    INSIDE = 0x7ff8,
    ONE_RUN = 0x8000,
};
static const uint32_t RUN = ~(uint32_t)0x7fff;

/// How long a thread polls before it sleeps, in nanoseconds: longer than the gaps inside a forward pass, far shorter than
/// a time slice, so that a shared machine is not spun to death.
enum { SPIN_NANOSECONDS = 40000, POLLS_PER_CLOCK_READ = 32 };

struct pl_pool {
    _Alignas(64) _Atomic uint32_t control;
    _Alignas(64) _Atomic uint32_t sleepers;
    _Alignas(64) _Atomic int64_t next;
    _Alignas(64) int64_t items;
    pl_task task;
    void *context;
    int threads;
    pthread_t *workers;
};

typedef struct worker_start {
    pl_pool *pool;
    int thread;
} worker_start;

static void futex_wait(_Atomic uint32_t *word, uint32_t expected) {
    syscall(SYS_futex, (uint32_t *)word, FUTEX_WAIT_PRIVATE, expected, NULL, NULL, 0);
}

static void futex_wake(_Atomic uint32_t *word) {
    syscall(SYS_futex, (uint32_t *)word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

static void relax(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static int64_t nanoseconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void work(pl_pool *pool, int thread) {
    for (;;) {
        int64_t item = atomic_fetch_add_explicit(&pool->next, 1, memory_order_relaxed);
        if (item >= pool->items) return;
        pool->task(pool->context, item, thread);
    }
}

/// Whether `control` lets a worker that has seen run `seen` do something.
static int calls_worker(uint32_t control, uint32_t seen) {
    return (control & STOP) || ((control & OPEN) && (control & RUN) != seen);
}

static uint32_t wait_for_call(pl_pool *pool, uint32_t seen) {
    int64_t deadline = nanoseconds() + SPIN_NANOSECONDS;
    do {
        for (int poll = 0; poll < POLLS_PER_CLOCK_READ; ++poll) {
            uint32_t control = atomic_load_explicit(&pool->control, memory_order_acquire);
            if (calls_worker(control, seen)) return control;
            relax();
        }
    } while (nanoseconds() < deadline);

    atomic_fetch_add(&pool->sleepers, 1);
    uint32_t control = atomic_load(&pool->control);
    while (!calls_worker(control, seen)) {
        futex_wait(&pool->control, control);
        control = atomic_load(&pool->control);
    }
    atomic_fetch_sub(&pool->sleepers, 1);
    return control;
}

static void leave(pl_pool *pool) {
    uint32_t before = atomic_fetch_sub(&pool->control, ONE_INSIDE);
    if ((before & INSIDE) == ONE_INSIDE && (before & CALLER_SLEEPS)) futex_wake(&pool->control);
}

static void *worker_main(void *argument) {
    worker_start start = *(worker_start *)argument;
    free(argument);
    pl_pool *pool = start.pool;
    uint32_t seen = 0;
    for (;;) {
        uint32_t control = wait_for_call(pool, seen);
        if (control & STOP) return NULL;
        if (!atomic_compare_exchange_strong(&pool->control, &control, control + ONE_INSIDE)) continue;
        seen = control & RUN;
        work(pool, start.thread);
        leave(pool);
    }
}

static void wait_until_empty(pl_pool *pool) {
    int64_t deadline = nanoseconds() + SPIN_NANOSECONDS;
    do {
        for (int poll = 0; poll < POLLS_PER_CLOCK_READ; ++poll) {
            if (!(atomic_load_explicit(&pool->control, memory_order_acquire) & INSIDE)) return;
            relax();
        }
    } while (nanoseconds() < deadline);

    uint32_t control = atomic_fetch_or(&pool->control, CALLER_SLEEPS) | CALLER_SLEEPS;
    while (control & INSIDE) {
        futex_wait(&pool->control, control);
        control = atomic_load(&pool->control);
    }
    atomic_fetch_and(&pool->control, ~(uint32_t)CALLER_SLEEPS);
}

void pl_pool_run(pl_pool *pool, int64_t items, pl_task task, void *context) {
    if (pool->threads == 1 || items <= 1) {
        for (int64_t item = 0; item < items; ++item) task(context, item, 0);
        return;
    }
    pool->task = task;
    pool->context = context;
    pool->items = items;
    atomic_store_explicit(&pool->next, 0, memory_order_relaxed);
    uint32_t control = atomic_load_explicit(&pool->control, memory_order_relaxed);
    atomic_store(&pool->control, ((control & RUN) + ONE_RUN) | OPEN);
    if (atomic_load(&pool->sleepers) > 0) futex_wake(&pool->control);

    work(pool, 0);
    atomic_fetch_and(&pool->control, ~(uint32_t)OPEN);
    wait_until_empty(pool);
}

static int start_worker(pl_pool *pool, int thread) {
    worker_start *start = malloc(sizeof *start);
    if (!start) return -1;
    *start = (worker_start){ .pool = pool, .thread = thread };
    if (pthread_create(&pool->workers[thread - 1], NULL, worker_main, start) == 0) return 0;
    free(start);
    return -1;
}

pl_pool *pl_pool_create(int threads) {
    if (threads < 1 || threads > INSIDE / ONE_INSIDE) return NULL;
    pl_pool *pool = aligned_alloc(64, sizeof *pool);
    if (!pool) return NULL;
    *pool = (pl_pool){ .threads = 1, .workers = calloc((size_t)threads, sizeof *pool->workers) };
    if (!pool->workers) {
        free(pool);
        return NULL;
    }
    for (; pool->threads < threads; ++pool->threads) {
        if (start_worker(pool, pool->threads) == 0) continue;
        pl_pool_destroy(pool);
        return NULL;
    }
    return pool;
}

void pl_pool_destroy(pl_pool *pool) {
    if (!pool) return;
    atomic_fetch_or(&pool->control, STOP);
    futex_wake(&pool->control);
    for (int worker = 0; worker + 1 < pool->threads; ++worker) pthread_join(pool->workers[worker], NULL);
    free(pool->workers);
    free(pool);
}

int pl_pool_threads(const pl_pool *pool) {
    return pool->threads;
}
