#include "memory/scratch.h"

#include <pthread.h>
#include <stdlib.h>

typedef struct scratch {
    void *memory;
    size_t bytes;
} scratch;

static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int key_error;

static void release(void *pointer) {
    free(((scratch *)pointer)->memory);
    free(pointer);
}

static void make_key(void) { key_error = pthread_key_create(&key, release); }

static scratch *of_this_thread(void) {
    pthread_once(&once, make_key);
    if (key_error) return NULL;
    scratch *own = pthread_getspecific(key);
    if (own) return own;
    own = calloc(1, sizeof *own);
    if (own && pthread_setspecific(key, own) == 0) return own;
    free(own);
    return NULL;
}

void *pl_scratch(size_t bytes) {
    scratch *own = of_this_thread();
    if (!own) return NULL;
    if (own->bytes >= bytes) return own->memory;
    // Half as much again, so that a context that grows token by token does not reallocate each time.
    free(own->memory);
    own->bytes = (bytes + bytes / 2 + 63) / 64 * 64;
    own->memory = aligned_alloc(64, own->bytes);
    if (!own->memory) own->bytes = 0;
    return own->memory;
}
