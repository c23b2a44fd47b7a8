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

/// The items that a thread has yet to compute: `begin` in the low and `end` in the high 32 bits.
///
/// Its owner takes them from the front, so that it walks through memory in order and what it has prefetched is what it needs
/// next. A thread without items takes the back half of another's. Within a run a range never comes back once it has
/// changed (its first item is computed once), so comparing and swapping is enough.
typedef struct share {
    _Alignas(64) _Atomic uint64_t range;
} share;

struct pl_pool {
    _Alignas(64) _Atomic uint32_t control;
    _Alignas(64) _Atomic uint32_t sleepers;
    _Alignas(64) pl_task task;
    void *context;
    int threads;
    pthread_t *workers;
    share *shares;  ///< one per thread
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

static uint64_t range(uint64_t begin, uint64_t end) { return end << 32 | begin; }
static uint32_t range_begin(uint64_t range) { return (uint32_t)range; }
static uint32_t range_end(uint64_t range) { return (uint32_t)(range >> 32); }

/// Takes the first item of a share; -1 if it is empty.
static int64_t take(share *share) {
    uint64_t items = atomic_load_explicit(&share->range, memory_order_relaxed);
    while (range_begin(items) < range_end(items)) {
        uint64_t rest = range(range_begin(items) + 1u, range_end(items));
        if (atomic_compare_exchange_weak(&share->range, &items, rest)) return range_begin(items);
    }
    return -1;
}

/// Moves the back half of another thread's items to `own`, which is empty. 0 if nobody has any.
static int steal(pl_pool *pool, int thread) {
    for (int i = 1; i < pool->threads; ++i) {
        share *victim = &pool->shares[(thread + i) % pool->threads];
        uint64_t items = atomic_load_explicit(&victim->range, memory_order_relaxed);
        while (range_begin(items) < range_end(items)) {
            uint64_t middle = range_begin(items) + (range_end(items) - range_begin(items)) / 2;
            if (!atomic_compare_exchange_weak(&victim->range, &items, range(range_begin(items), middle))) continue;
            atomic_store(&pool->shares[thread].range, range(middle, range_end(items)));
            return 1;
        }
    }
    return 0;
}

static void work(pl_pool *pool, int thread) {
    do {
        int64_t item;
        while ((item = take(&pool->shares[thread])) >= 0) pool->task(pool->context, item, thread);
    } while (steal(pool, thread));
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

/// Nobody is inside a run, and opening one publishes the shares.
static void deal(pl_pool *pool, uint64_t items) {
    uint64_t threads = (uint64_t)pool->threads;
    for (uint64_t i = 0; i < threads; ++i) {
        uint64_t share = range(items * i / threads, items * (i + 1) / threads);
        atomic_store_explicit(&pool->shares[i].range, share, memory_order_relaxed);
    }
}

void pl_pool_run(pl_pool *pool, int64_t items, pl_task task, void *context) {
    if (pool->threads == 1 || items <= 1) {
        for (int64_t item = 0; item < items; ++item) task(context, item, 0);
        return;
    }
    pool->task = task;
    pool->context = context;
    deal(pool, (uint64_t)items);
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

static void free_pool(pl_pool *pool) {
    free(pool->workers);
    free(pool->shares);
    free(pool);
}

static pl_pool *allocate_pool(int threads) {
    pl_pool *pool = aligned_alloc(64, sizeof *pool);
    if (!pool) return NULL;
    *pool = (pl_pool){ .threads = threads };
    pool->workers = calloc((size_t)threads, sizeof *pool->workers);
    pool->shares = aligned_alloc(64, (size_t)threads * sizeof *pool->shares);
    if (pool->workers && pool->shares) return pool;
    free_pool(pool);
    return NULL;
}

/// Ends workers 1 ..< `threads`.
static void stop(pl_pool *pool, int threads) {
    atomic_fetch_or(&pool->control, STOP);
    futex_wake(&pool->control);
    for (int thread = 1; thread < threads; ++thread) pthread_join(pool->workers[thread - 1], NULL);
}

pl_pool *pl_pool_create(int threads) {
    if (threads < 1 || threads > INSIDE / ONE_INSIDE) return NULL;
    pl_pool *pool = allocate_pool(threads);
    for (int thread = 1; pool && thread < threads; ++thread) {
        if (start_worker(pool, thread) == 0) continue;
        stop(pool, thread);
        free_pool(pool);
        return NULL;
    }
    return pool;
}

void pl_pool_destroy(pl_pool *pool) {
    if (!pool) return;
    stop(pool, pool->threads);
    free_pool(pool);
}

int pl_pool_threads(const pl_pool *pool) {
    return pool->threads;
}
