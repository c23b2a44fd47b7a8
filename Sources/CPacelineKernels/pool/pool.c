#include "paceline/pool.h"

#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "pool/rescue.h"
#include "tuning.h"

/// `control` is the futex word of the pool. Bit 0 says "a run is open", bit 1 "the caller sleeps until the last thread
/// leaves", bit 2 "stop". Bits 3..14 hold the number of workers inside the run, bits 15..31 the run's number.
///
/// A worker enters a run by adding itself while the run is open, and only then reads the task. The caller closes the
/// run and returns when nobody is inside. So a worker that is paused outside a run holds up nobody.
enum {
    OPEN = 1,
    CALLER_SLEEPS = 2,
    STOP = 4,
    ONE_INSIDE = 8,
    INSIDE = 0x7ff8,
    ONE_RUN = 0x8000,
};
static const uint32_t RUN = ~(uint32_t)0x7fff;

enum { OUTSIDE = -1, LINE_BYTES = 64 };

/// Memory that a thread fetches while it waits, from the front. Nothing reads it, so it may have been freed.
typedef struct expectation {
    uintptr_t address;
    int64_t lines;
} expectation;

/// A thread of a pool.
typedef struct member {
    /// The items that it has yet to compute: `begin` in the low and `end` in the high 32 bits.
    ///
    /// It takes them from the front, so that it walks through memory in order and needs next what it has prefetched. A
    /// thread without items takes the back half of another's. Within a run a range never comes back once it has
    /// changed, because its first item is computed once. So comparing and swapping is enough.
    _Alignas(64) _Atomic uint64_t range;
    _Atomic int cpu;        ///< where it entered the run; OUTSIDE if it is not in one
    _Atomic int was_moved;  ///< whether another thread gave it its CPU during this run
    _Atomic int thread_id;
    pthread_t thread;    ///< of a worker
    expectation coming;  ///< written by the caller between runs, and by the thread itself in a run
    /// The thread's own, on a line of its own: it is written while others look for items.
    _Alignas(64) expectation expected;
} member;

struct pl_pool {
    _Alignas(64) _Atomic uint32_t control;
    _Alignas(64) _Atomic uint32_t sleepers;
    _Alignas(64) pl_task task;
    void *context;
    int threads;
    member *members;  ///< [0] is the caller
};

typedef struct worker_start {
    pl_pool *pool;
    int thread;
} worker_start;

// MARK: Waiting

static void futex_wait(_Atomic uint32_t *word, uint32_t expected, const struct timespec *timeout) {
    syscall(SYS_futex, (uint32_t *)word, FUTEX_WAIT_PRIVATE, expected, timeout, NULL, 0);
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

/// The condition that a thread waits for: whether `control` satisfies it, given the run that the thread has seen.
typedef int (*condition)(uint32_t control, uint32_t seen);

/// Fetches some of what the thread expects to read; 0 if that has been done.
static int fetch(expectation *expected) {
    if (expected->lines <= 0) return 0;
    for (int i = 0; i < PL_FETCHES_PER_POLL && expected->lines > 0; ++i, --expected->lines) {
        __builtin_prefetch((const void *)expected->address, 0, 2);
        expected->address += LINE_BYTES;
    }
    return 1;
}

static int poll_for(pl_pool *pool, condition satisfied, uint32_t seen, int thread) {
    int64_t deadline = nanoseconds() + PL_SPIN_NANOSECONDS;
    do {
        for (int poll = 0; poll < PL_POLLS_PER_CLOCK_READ; ++poll) {
            if (satisfied(atomic_load_explicit(&pool->control, memory_order_acquire), seen)) return 1;
            if (!fetch(&pool->members[thread].expected)) relax();
        }
    } while (nanoseconds() < deadline);
    return 0;
}

/// Sleeps until the condition holds. After a while it calls `rescue` once, in case the thread that it waits for is
/// paused.
static void sleep_for(pl_pool *pool, condition satisfied, uint32_t seen, void (*rescue)(pl_pool *, int), int thread) {
    const struct timespec rescue_delay = {.tv_nsec = PL_RESCUE_NANOSECONDS};
    int64_t deadline = nanoseconds() + PL_RESCUE_NANOSECONDS;
    int rescued = 0;
    uint32_t control = atomic_load(&pool->control);
    while (!satisfied(control, seen)) {
        if (!rescued && nanoseconds() >= deadline) {
            rescue(pool, thread);
            rescued = 1;
        }
        futex_wait(&pool->control, control, rescued ? NULL : &rescue_delay);
        control = atomic_load(&pool->control);
    }
}

// MARK: Items

static uint64_t range(uint64_t begin, uint64_t end) { return end << 32 | begin; }
static uint32_t range_begin(uint64_t range) { return (uint32_t)range; }
static uint32_t range_end(uint64_t range) { return (uint32_t)(range >> 32); }

/// Takes the first item of a thread; -1 if it has none.
static int64_t take(member *member) {
    uint64_t items = atomic_load_explicit(&member->range, memory_order_relaxed);
    while (range_begin(items) < range_end(items)) {
        uint64_t rest = range(range_begin(items) + 1u, range_end(items));
        if (atomic_compare_exchange_weak(&member->range, &items, rest)) return range_begin(items);
    }
    return -1;
}

/// Moves the back half of another thread's items to `thread`, which has none. 0 if nobody has any.
static int steal(pl_pool *pool, int thread) {
    for (int i = 1; i < pool->threads; ++i) {
        member *victim = &pool->members[(thread + i) % pool->threads];
        uint64_t items = atomic_load_explicit(&victim->range, memory_order_relaxed);
        while (range_begin(items) < range_end(items)) {
            uint64_t middle = range_begin(items) + (range_end(items) - range_begin(items)) / 2;
            uint64_t rest = range(range_begin(items), middle);
            if (!atomic_compare_exchange_weak(&victim->range, &items, rest)) continue;
            atomic_store(&pool->members[thread].range, range(middle, range_end(items)));
            return 1;
        }
    }
    return 0;
}

/// Nobody is inside a run, and opening one publishes the shares.
static void deal(pl_pool *pool, int64_t items) {
    for (int i = 0; i < pool->threads; ++i) {
        const int64_t begin = pl_pool_share(pool, items, i), end = pl_pool_share(pool, items, i + 1);
        atomic_store_explicit(&pool->members[i].range, range((uint64_t)begin, (uint64_t)end), memory_order_relaxed);
    }
}

static void work(pl_pool *pool, int thread) {
    member *self = &pool->members[thread];
    atomic_store_explicit(&self->cpu, pl_current_cpu(), memory_order_relaxed);
    // An older expectation holds until a new one replaces it.
    if (self->coming.lines > 0) self->expected = self->coming;
    self->coming.lines = 0;
    do {
        int64_t item;
        while ((item = take(self)) >= 0) pool->task(pool->context, item, thread);
    } while (steal(pool, thread));
    atomic_store_explicit(&self->cpu, OUTSIDE, memory_order_relaxed);
}

// MARK: Workers

/// Whether a worker that has seen run `seen` can do something.
static int is_called(uint32_t control, uint32_t seen) {
    return (control & STOP) || ((control & OPEN) && (control & RUN) != seen);
}

/// A worker has nothing to do and the caller still holds an item: it gets this CPU, and this thread takes its place.
static void rescue_caller(pl_pool *pool, int thread) {
    (void)thread;
    int place = atomic_load_explicit(&pool->members[0].cpu, memory_order_relaxed);
    if (place == OUTSIDE || !(atomic_load(&pool->control) & OPEN)) return;
    pl_move_thread(atomic_load_explicit(&pool->members[0].thread_id, memory_order_relaxed), pl_current_cpu());
    pl_move_thread(pl_thread_id(), place);
}

static uint32_t wait_for_call(pl_pool *pool, uint32_t seen, int thread) {
    if (!poll_for(pool, is_called, seen, thread)) {
        atomic_fetch_add(&pool->sleepers, 1);
        sleep_for(pool, is_called, seen, rescue_caller, thread);
        atomic_fetch_sub(&pool->sleepers, 1);
    }
    return atomic_load(&pool->control);
}

/// Leaves a run. A thread that was moved during it goes back, so that the caller has its CPU to itself again.
static void leave(pl_pool *pool, int thread, int home) {
    uint32_t before = atomic_fetch_sub(&pool->control, ONE_INSIDE);
    if ((before & INSIDE) == ONE_INSIDE && (before & CALLER_SLEEPS)) futex_wake(&pool->control);
    if (atomic_exchange(&pool->members[thread].was_moved, 0)) pl_move_thread(pl_thread_id(), home);
}

static void *worker_main(void *argument) {
    worker_start start = *(worker_start *)argument;
    free(argument);
    pl_pool *pool = start.pool;
    atomic_store(&pool->members[start.thread].thread_id, pl_thread_id());
    uint32_t seen = 0;
    for (;;) {
        uint32_t control = wait_for_call(pool, seen, start.thread);
        if (control & STOP) return NULL;
        if (!is_called(control, seen)) continue;
        if (!atomic_compare_exchange_strong(&pool->control, &control, control + ONE_INSIDE)) continue;
        seen = control & RUN;
        int home = pl_current_cpu();
        work(pool, start.thread);
        leave(pool, start.thread, home);
    }
}

// MARK: The caller

static int is_empty(uint32_t control, uint32_t seen) {
    (void)seen;
    return !(control & INSIDE);
}

/// The caller has nothing to do and workers still hold items: they get its CPU while it sleeps.
static void rescue_workers(pl_pool *pool, int caller) {
    int place = pl_current_cpu();
    for (int thread = 0; thread < pool->threads; ++thread) {
        member *member = &pool->members[thread];
        if (thread == caller || atomic_load_explicit(&member->cpu, memory_order_relaxed) == OUTSIDE) continue;
        atomic_store(&member->was_moved, 1);
        pl_move_thread(atomic_load(&member->thread_id), place);
    }
}

static void wait_until_empty(pl_pool *pool) {
    if (poll_for(pool, is_empty, 0, 0)) return;
    atomic_fetch_or(&pool->control, CALLER_SLEEPS);
    sleep_for(pool, is_empty, 0, rescue_workers, 0);
    atomic_fetch_and(&pool->control, ~(uint32_t)CALLER_SLEEPS);
}

int64_t pl_pool_share(const pl_pool *pool, int64_t items, int thread) { return items * thread / pool->threads; }

void pl_pool_expect(pl_pool *pool, int thread, const void *data, int64_t bytes) {
    pool->members[thread].coming = (expectation){(uintptr_t)data, bytes / LINE_BYTES};
}

void pl_pool_run(pl_pool *pool, int64_t items, pl_task task, void *context) {
    if (pool->threads == 1 || items <= 1) {
        for (int64_t item = 0; item < items; ++item) task(context, item, 0);
        return;
    }
    pool->task = task;
    pool->context = context;
    atomic_store_explicit(&pool->members[0].thread_id, pl_thread_id(), memory_order_relaxed);
    deal(pool, items);
    uint32_t control = atomic_load_explicit(&pool->control, memory_order_relaxed);
    atomic_store(&pool->control, ((control & RUN) + ONE_RUN) | OPEN);
    if (atomic_load(&pool->sleepers) > 0) futex_wake(&pool->control);

    work(pool, 0);
    atomic_fetch_and(&pool->control, ~(uint32_t)OPEN);
    wait_until_empty(pool);
}

// MARK: Life

static int start_worker(pl_pool *pool, int thread) {
    worker_start *start = malloc(sizeof *start);
    if (!start) return -1;
    *start = (worker_start){.pool = pool, .thread = thread};
    if (pthread_create(&pool->members[thread].thread, NULL, worker_main, start) == 0) return 0;
    free(start);
    return -1;
}

static void free_pool(pl_pool *pool) {
    free(pool->members);
    free(pool);
}

static pl_pool *allocate_pool(int threads) {
    pl_pool *pool = aligned_alloc(64, sizeof *pool);
    if (!pool) return NULL;
    *pool = (pl_pool){.threads = threads};
    pool->members = aligned_alloc(64, (size_t)threads * sizeof *pool->members);
    if (!pool->members) {
        free(pool);
        return NULL;
    }
    for (int thread = 0; thread < threads; ++thread) pool->members[thread] = (member){.cpu = OUTSIDE};
    return pool;
}

/// Ends workers 1 ..< `threads`.
static void stop(pl_pool *pool, int threads) {
    atomic_fetch_or(&pool->control, STOP);
    futex_wake(&pool->control);
    for (int thread = 1; thread < threads; ++thread) pthread_join(pool->members[thread].thread, NULL);
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

int pl_pool_threads(const pl_pool *pool) { return pool->threads; }
