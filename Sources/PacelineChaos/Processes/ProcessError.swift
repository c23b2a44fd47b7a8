/// Why a process cannot be struck.
package enum ProcessError: Error, Sendable, Hashable, CustomStringConvertible {
    case notFound(ProcessSelector)
    case several(ProcessSelector, [Int32])
    case invalid(String)
    case own(Int32)
    case system
    case unreadable(String)
    case noNumber(String)
    case notPermitted(Int32)
    /// Somebody else's process listens.
    case foreignPort(Int)
    case refused(Int32, signal: String, reason: String)
    case unchanged(Int32, expected: String)
    case notStarted(String, reason: String)
    case hasEnded(String)
    /// It was told to end, and has not.
    case stillThere(String, Int32)

    package var description: String {
        switch self {
        case .notFound(let selector): "\(selector) is not there; see ps ax for what runs"
        case .several(let selector, let pids):
            "\(selector) is not one: there are \(pids.map { "\($0)" }.joined(separator: ", ")); be more exact"
        case .invalid(let text): "\(text) is not the number of a process"
        case .own(let pid): "process \(pid) is this program or one that started it; it would not live to tell"
        case .system: "process 1 runs the whole machine; name another process"
        case .unreadable(let path): "the PID file \(path) cannot be read; check the path, and whether the process runs"
        case .noNumber(let path):
            "\(path) does not begin with the number of a process; name the PID file that the process itself writes"
        case .notPermitted(let pid): "process \(pid) belongs to somebody else; run this as its user, or as root"
        case .foreignPort(let port):
            "something listens on port \(port), but belongs to somebody else; run this as its user, or as root"
        case .refused(let pid, let signal, let reason):
            "process \(pid) cannot be sent \(signal) (\(reason)); see ps \(pid), and what confines this program"
        case .unchanged(let pid, let expected):
            "process \(pid) was told, but is not \(expected) yet; it may hang in a call of the system: see its state "
                + "in ps \(pid), and try again"
        case .notStarted(let program, let reason):
            "\(program) cannot be started (\(reason)); check its spelling, the PATH and its permissions"
        case .hasEnded(let name): "\(name) has ended before; set output: FILE for it to see why"
        case .stillThere(let name, let pid):
            "\(name) was told to end, but process \(pid) is still there, and a second one is not started beside it; "
                + "kill with KILL, or give it more time with for"
        }
    }
}
