#ifndef PACELINE_MEMORY_H
#define PACELINE_MEMORY_H

#include <stddef.h>

/// Memory for weights and KV pages: zero and 64-byte aligned. From 2 MiB on it is aligned to huge pages, and on them
/// where the system has them. NULL if there is no memory.
void *pl_memory_allocate(size_t bytes);
void pl_memory_free(void *memory, size_t bytes);

/// Bytes that malloc has handed out in this process and not got back; 0 where the C library does not tell.
size_t pl_heap_bytes(void);

#endif
