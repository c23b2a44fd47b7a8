#ifndef C_PACELINE_PROCESS_H
#define C_PACELINE_PROCESS_H

#include <sys/types.h>

/// Starts `arguments[0]`, which is looked for on the PATH unless it has a slash, in a process group of its own, with no
/// signal blocked and the usual actions of signals.
///
/// Its standard streams are the three descriptors; `input` -1 gives it nothing to read, and `error` -1 leaves it the
/// standard error of this process. It inherits no other descriptor. Both arrays end with NULL.
///
/// Returns 0, or an error number.
int pl_process_start(pid_t *pid, char *const arguments[], char *const environment[], int input, int output, int error);

/// A pipe that no process inherits unless it is meant to: `ends[0]` reads. Returns 0, or an error number.
int pl_process_pipe(int ends[2]);

/// Blocks until a child has ended, and leaves it unreaped. Returns 0 and sets `number` to its exit status, 1 and sets
/// it to the signal that ended it, or -1 if there is no such child.
int pl_process_wait(pid_t pid, int *number);

/// A descriptor that means this process for ever, also when its number belongs to another one. Returns -1 and sets
/// errno if there is none.
int pl_process_open(pid_t pid);

/// Sends a signal to the process of such a descriptor. Returns -1 and sets errno if that fails.
int pl_process_signal(int descriptor, int signal);

#endif
