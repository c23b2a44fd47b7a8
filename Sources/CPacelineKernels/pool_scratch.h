#ifndef PACELINE_POOL_SCRATCH_H
#define PACELINE_POOL_SCRATCH_H

#include <stddef.h>

#include "paceline/pool.h"

/// Scratch memory of one thread of a pool: at least `bytes`, 64-byte aligned, kept from task to task and freed with the
/// pool. Only that thread may ask, and asking again may move it. Aborts when there is no memory, as Swift does.
void *pl_pool_scratch(pl_pool *pool, int thread, size_t bytes);

#endif
