#define _GNU_SOURCE
#include "CPacelineProcess.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int add_streams(posix_spawn_file_actions_t *actions, int input, int output, int error) {
    int code = input < 0 ? posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
                         : posix_spawn_file_actions_adddup2(actions, input, STDIN_FILENO);
    if (code == 0) code = posix_spawn_file_actions_adddup2(actions, output, STDOUT_FILENO);
    if (code == 0 && error >= 0) code = posix_spawn_file_actions_adddup2(actions, error, STDERR_FILENO);
    // A socket in a child would keep its port and its connections.
    if (code == 0) code = posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1);
    return code;
}

static int set_attributes(posix_spawnattr_t *attributes) {
    sigset_t defaults, mask;
    // Ignored signals stay ignored across exec.
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
    sigemptyset(&defaults);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; ++i) sigaddset(&defaults, signals[i]);
    sigemptyset(&mask);
    int code = posix_spawnattr_setsigdefault(attributes, &defaults);
    if (code == 0) code = posix_spawnattr_setsigmask(attributes, &mask);
    if (code == 0) code = posix_spawnattr_setpgroup(attributes, 0);
    if (code != 0) return code;
    return posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
}

int pl_process_start(pid_t *pid, char *const arguments[], char *const environment[], int input, int output, int error) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int code = posix_spawn_file_actions_init(&actions);
    if (code != 0) return code;
    code = posix_spawnattr_init(&attributes);
    if (code == 0) {
        code = add_streams(&actions, input, output, error);
        if (code == 0) code = set_attributes(&attributes);
        if (code == 0) code = posix_spawnp(pid, arguments[0], &actions, &attributes, arguments, environment);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return code;
}

int pl_process_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC) == 0 ? 0 : errno; }

int pl_process_wait(pid_t pid, int *number) {
    siginfo_t info = {0};
    while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) == -1) {
        if (errno != EINTR) return -1;
    }
    *number = info.si_status;
    return info.si_code == CLD_EXITED ? 0 : 1;
}

// By number of the system call, since the C library has functions for them only from 2.36 on.
int pl_process_open(pid_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }

int pl_process_signal(int descriptor, int signal) {
    return (int)syscall(SYS_pidfd_send_signal, descriptor, signal, NULL, 0);
}
