#ifndef PACELINE_POOL_H
#define PACELINE_POOL_H

#include <stdint.h>

/// A fixed set of threads that share the items of one task at a time.
///
/// The calling thread is one of them. Items are handed out dynamically, so a thread that the operating system pauses
/// does not hold up the rest. Which thread computes an item never changes its bits.
typedef struct pl_pool pl_pool;

/// Computes item `item` (0 ..< items) of a task; `thread` (0 ..< threads) selects per-thread scratch.
typedef void (*pl_task)(void *context, int64_t item, int thread);

/// Makes a pool of `threads` (>= 1) threads, the caller included. NULL if the threads cannot be made.
pl_pool *pl_pool_create(int threads);
void pl_pool_destroy(pl_pool *pool);
int pl_pool_threads(const pl_pool *pool);

/// The first item of a run that a thread (0 ..< threads) gets, before others help it. The items of thread t end where
/// those of t + 1 begin, so `items` for t = threads.
int64_t pl_pool_share(const pl_pool *pool, int64_t items, int thread);

/// Tells a thread what it will read first after the coming run: `bytes` bytes from `data` on. From the coming run on,
/// it fetches them into its cache whenever it waits. It stops when it has them all or the next expectation replaces
/// this one. A hint: a thread that misses the coming run follows it later. Not to be called during a run.
void pl_pool_expect(pl_pool *pool, int thread, const void *data, int64_t bytes);

/// Runs `task` for every item and returns when all are done. Not re-entrant; one caller at a time.
void pl_pool_run(pl_pool *pool, int64_t items, pl_task task, void *context);

#endif
