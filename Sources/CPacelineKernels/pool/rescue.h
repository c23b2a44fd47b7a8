#ifndef PACELINE_POOL_RESCUE_H
#define PACELINE_POOL_RESCUE_H

/// The calling thread's number in the system.
int pl_thread_id(void);

/// The CPU that the calling thread runs on; -1 if the system does not say.
int pl_current_cpu(void);

/// Moves a thread of this process to `cpu` at once, if it may run there. It keeps the set of CPUs that it may run on.
///
/// For a thread that waits in another CPU's queue while this CPU is about to be idle. The scheduler would leave it
/// there for milliseconds, because its caches may still be warm. tuning.h has the measurement, at
/// PL_RESCUE_NANOSECONDS.
void pl_move_thread(int thread_id, int cpu);

#endif
