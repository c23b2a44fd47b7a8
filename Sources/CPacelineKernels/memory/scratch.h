#ifndef PACELINE_SCRATCH_H
#define PACELINE_SCRATCH_H

#include <stddef.h>

/// At least `bytes` bytes of the calling thread's scratch memory, aligned to 64; NULL if there is no memory.
///
/// One buffer per thread: it holds until the thread's next call, grows as needed and is freed when the thread ends.
void *pl_scratch(size_t bytes);

#endif
