import Glibc

/// A signal, by the name that `kill -l` has for it.
package enum ProcessSignal: String, CaseIterable, Sendable {
    case kill = "KILL"
    case terminate = "TERM"
    case interrupt = "INT"
    case quit = "QUIT"
    case hangUp = "HUP"
    case abort = "ABRT"
    case stop = "STOP"
    case resume = "CONT"

    /// Those that end a process, unless it handles them.
    package static let ends: [ProcessSignal] = [.kill, .terminate, .interrupt, .quit, .hangUp, .abort]

    /// Their names, for people.
    package static let endNames = ends.map(\.rawValue).joined(separator: ", ")

    /// Takes the name as people write it: `TERM`, `SIGTERM` or `term`.
    package init?(named name: String) {
        let name = name.uppercased()
        self.init(rawValue: name.hasPrefix("SIG") ? String(name.dropFirst(3)) : name)
    }

    package var number: Int32 {
        switch self {
        case .kill: SIGKILL
        case .terminate: SIGTERM
        case .interrupt: SIGINT
        case .quit: SIGQUIT
        case .hangUp: SIGHUP
        case .abort: SIGABRT
        case .stop: SIGSTOP
        case .resume: SIGCONT
        }
    }

    package var words: String { "SIG\(rawValue)" }
}
