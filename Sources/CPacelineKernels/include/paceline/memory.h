#ifndef PACELINE_MEMORY_H
#define PACELINE_MEMORY_H

#include <stddef.h>

/// Memory for weights: 64-byte aligned, zero, on huge pages where the system has them. NULL if there is none.
void *pl_memory_allocate(size_t bytes);
void pl_memory_free(void *memory, size_t bytes);

#endif
