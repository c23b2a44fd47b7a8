import CPacelineProcess
import Glibc

/// How a process ended.
package enum ProcessEnding: Sendable, Hashable, CustomStringConvertible {
    case status(Int32)
    case signal(Int32)

    /// Blocks until a child of this process has ended, and leaves it unreaped. One that is not there counts as killed.
    package static func wait(for pid: Int32) -> ProcessEnding {
        var number = SIGKILL
        return pl_process_wait(pid, &number) == 0 ? .status(number) : .signal(number)
    }

    package var description: String {
        switch self {
        case .status(let status): "exit status \(status)"
        case .signal(let signal): "signal \(signal)"
        }
    }
}

/// An error number of the system.
package struct SystemFailure: Error, Sendable, Hashable {
    package let code: Int32

    package var reason: String { String(cString: strerror(code)) }
}

/// Starts programs: the one place that does.
package enum ProcessSpawn {
    /// Starts a program in a process group of its own, with no signal blocked and no other descriptor than these.
    ///
    /// - Parameters:
    ///   - arguments: the first is the program, which is looked for on the PATH unless it has a slash.
    ///   - environment: all its variables.
    ///   - input: what it reads; nil for nothing.
    ///   - error: nil for that of this process.
    /// - Returns: its number. The caller still has to close the descriptors, and to reap it.
    package static func start(
        _ arguments: [String],
        environment: [String: String],
        input: Int32?,
        output: Int32,
        error: Int32?
    ) throws(SystemFailure) -> Int32 {
        var argv = arguments.map { strdup($0) }
        defer { argv.forEach { free($0) } }
        argv.append(nil)
        var variables = environment.map { strdup("\($0.key)=\($0.value)") }
        defer { variables.forEach { free($0) } }
        variables.append(nil)
        var pid: Int32 = 0
        let code = pl_process_start(&pid, argv, variables, input ?? -1, output, error ?? -1)
        guard code == 0 else { throw SystemFailure(code: code) }
        return pid
    }

    /// Makes a pipe that no process inherits unless it is meant to.
    package static func pipe() throws(SystemFailure) -> (reading: Int32, writing: Int32) {
        var ends: [Int32] = [-1, -1]
        let code = pl_process_pipe(&ends)
        guard code == 0 else { throw SystemFailure(code: code) }
        return (ends[0], ends[1])
    }
}
