#ifndef PACELINE_MEMORY_H
#define PACELINE_MEMORY_H

#include <stddef.h>

/// Memory for weights and KV pages: zero and 64-byte aligned. From 2 MiB on it is aligned to huge pages, and on them
/// where the system has them. NULL if there is no memory.
void *pl_memory_allocate(size_t bytes);
void pl_memory_free(void *memory, size_t bytes);

#endif
