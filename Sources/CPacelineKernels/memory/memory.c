#include "paceline/memory.h"

#include <stdint.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <sys/mman.h>
#include <unistd.h>

enum { HUGE_PAGE = 2 << 20 };

static void *map(size_t bytes) {
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

/// Maps memory that begins at the border of a huge page: unaligned ends would be on small pages.
static void *map_aligned(size_t bytes) {
    if (bytes > SIZE_MAX - HUGE_PAGE) return NULL;
    uint8_t *memory = map(bytes + HUGE_PAGE);
    if (!memory) return NULL;
    size_t before = (HUGE_PAGE - (uintptr_t)memory % HUGE_PAGE) % HUGE_PAGE;
    // munmap works on whole small pages. The last page of the memory may be used in part.
    size_t small = (size_t)sysconf(_SC_PAGESIZE), used = (bytes + small - 1) / small * small;
    if (before > 0) munmap(memory, before);
    if (used < bytes + HUGE_PAGE - before) munmap(memory + before + used, bytes + HUGE_PAGE - before - used);
    return memory + before;
}

void *pl_memory_allocate(size_t bytes) {
    if (bytes == 0) return NULL;
    if (bytes < HUGE_PAGE) return map(bytes);
    void *memory = map_aligned(bytes);
#ifdef MADV_HUGEPAGE
    // A refusal costs speed only.
    if (memory) (void)madvise(memory, bytes, MADV_HUGEPAGE);
#endif
    return memory;
}

void pl_memory_free(void *memory, size_t bytes) {
    if (memory) munmap(memory, bytes);
}

size_t pl_heap_bytes(void) {
#ifdef __GLIBC__
    struct mallinfo2 info = mallinfo2();
    // Large blocks are mapped one by one.
    return info.uordblks + info.hblkhd;
#else
    return 0;
#endif
}
