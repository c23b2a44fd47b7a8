import Foundation
import Glibc

extension ChildProcess {
    /// Starts the process, without the settings in this one's environment: it gets its own as arguments. The caller
    /// still has to close both descriptors.
    ///
    /// - Returns: 0 or an error number.
    static func spawn(
        _ executable: String,
        _ arguments: [String],
        input: Int32,
        output: Int32,
        pid: inout pid_t
    ) -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var defaults = sigset_t()
        sigemptyset(&defaults)
        // Ignored signals stay ignored across exec, and this process ignores SIGPIPE.
        for signal in [SIGINT, SIGTERM, SIGHUP, SIGPIPE] { sigaddset(&defaults, signal) }
        posix_spawnattr_setsigdefault(&attributes, &defaults)
        var mask = sigset_t()
        sigemptyset(&mask)
        posix_spawnattr_setsigmask(&attributes, &mask)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes,
            Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP)
        )

        var argv = ([executable] + arguments).map { strdup($0) }
        defer { argv.forEach { free($0) } }
        argv.append(nil)
        let environment = ProcessInfo.processInfo.environment.filter { ConfigurationEnvironment.isForChildren($0.key) }
        var envp = environment.map { strdup("\($0.key)=\($0.value)") }
        defer { envp.forEach { free($0) } }
        envp.append(nil)
        return posix_spawn(&pid, executable, &actions, &attributes, argv, envp)
    }

    /// A pipe that children do not inherit. A child that held a sibling's standard input open would keep it alive.
    struct Pipe {
        let reading: Int32
        let writing: Int32

        static func make() throws(ChildProcessError) -> Pipe {
            var ends: [Int32] = [-1, -1]
            guard pipe(&ends) == 0, ends.allSatisfy({ fcntl($0, F_SETFD, FD_CLOEXEC) == 0 }) else {
                throw ChildProcessError(operation: "make a pipe", errno: errno)
            }
            return Pipe(reading: ends[0], writing: ends[1])
        }

        func closeBoth() {
            close(reading)
            close(writing)
        }
    }
}

/// A process could not be started.
struct ChildProcessError: Error, CustomStringConvertible {
    let operation: String
    let errno: Int32

    var description: String {
        "the system could not \(operation) (\(String(cString: strerror(errno)))); free some memory or end other "
            + "processes, then try again"
    }
}
