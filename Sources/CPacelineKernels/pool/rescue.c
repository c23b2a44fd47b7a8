#define _GNU_SOURCE
#include "pool/rescue.h"

#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

int pl_thread_id(void) {
    static _Thread_local int id;
    if (id == 0) id = (int)syscall(SYS_gettid);
    return id;
}

int pl_current_cpu(void) { return sched_getcpu(); }

void pl_move_thread(int thread_id, int cpu) {
    // A holder of the lock restores the set of the thread before it lets go. So the set that is read here is the
    // thread's own.
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    if (cpu < 0 || cpu >= CPU_SETSIZE) return;
    cpu_set_t allowed, target;
    CPU_ZERO(&target);
    CPU_SET(cpu, &target);
    pthread_mutex_lock(&lock);
    if (sched_getaffinity(thread_id, sizeof allowed, &allowed) == 0 && CPU_ISSET(cpu, &allowed)) {
        // Narrowing the set moves the thread at once. Widening it again moves nothing.
        if (sched_setaffinity(thread_id, sizeof target, &target) == 0) {
            sched_setaffinity(thread_id, sizeof allowed, &allowed);
        }
    }
    pthread_mutex_unlock(&lock);
}
