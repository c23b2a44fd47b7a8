#ifndef PACELINE_MEMORY_H
#define PACELINE_MEMORY_H

#include <stddef.h>

/// Memory for weights and KV pages: zero, 64-byte aligned, and from 2 MiB on aligned to huge pages and on them where
/// the system has some. NULL if there is none.
void *pl_memory_allocate(size_t bytes);
void pl_memory_free(void *memory, size_t bytes);

#endif
