#include "paceline/memory.h"

#include <sys/mman.h>

enum { HUGE_PAGE = 2 << 20 };

void *pl_memory_allocate(size_t bytes) {
    if (bytes == 0) return NULL;
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return NULL;
#ifdef MADV_HUGEPAGE
    // A refusal costs speed only.
    if (bytes >= HUGE_PAGE) (void)madvise(memory, bytes, MADV_HUGEPAGE);
#endif
    return memory;
}

void pl_memory_free(void *memory, size_t bytes) {
    if (memory) munmap(memory, bytes);
}
