import Glibc

/// Names a process that somebody else started.
package enum ProcessSelector: Sendable, Hashable, CustomStringConvertible {
    case pid(Int32)
    /// A file with the number of the process.
    case pidFile(String)
    /// Text that the command line contains, with single spaces between the arguments.
    case match(String)
    /// The port that it listens on.
    case port(Int)

    package var description: String {
        switch self {
        case .pid(let pid): "process \(pid)"
        case .pidFile(let path): "the process of \(path)"
        case .match(let text): "the process whose command line contains \"\(text)\""
        case .port(let port): "the process that listens on port \(port)"
        }
    }

    /// The processes that it names now. None of them is this one, one that it comes from, or the system's first.
    ///
    /// - Throws: ``ProcessError`` if there is none, or the named one may not be struck.
    package func find() throws(ProcessError) -> [ProcessEntry] {
        let table = ProcessTable()
        let own = Set([getpid(), 1] + table.ancestors(of: getpid()))
        switch self {
        case .pid(let pid): return [try Self.one(pid, table, own)]
        case .pidFile(let path): return [try Self.one(try Self.number(in: path), table, own)]
        case .match(let text):
            let found = table.entries.filter {
                !$0.hasEnded && !own.contains($0.pid) && $0.commandLine.contains(text)
            }
            let pids = Set(found.map(\.pid))
            // A process that was forked without another program is a part of the one that it comes from.
            let first = found.filter { !pids.contains($0.parent) }
            guard !first.isEmpty else { throw .notFound(self) }
            return first
        case .port:
            let found = listeners(table)
            guard !found.isEmpty else { throw .notFound(self) }
            for entry in found { try Self.check(entry.pid, own) }
            return found
        }
    }

    /// The only process that it names.
    ///
    /// - Throws: ``ProcessError``, also if there are several.
    package func findOne() throws(ProcessError) -> ProcessEntry {
        let found = try find()
        guard found.count == 1, let one = found.first else { throw .several(self, found.map(\.pid)) }
        return one
    }

    private func listeners(_ table: ProcessTable) -> [ProcessEntry] {
        guard case .port(let port) = self else { return [] }
        return table.listeners(on: port)
    }

    private static func one(_ pid: Int32, _ table: ProcessTable, _ own: Set<Int32>) throws(ProcessError) -> ProcessEntry
    {
        try check(pid, own)
        guard let entry = table[pid], !entry.hasEnded else { throw .notFound(.pid(pid)) }
        return entry
    }

    private static func check(_ pid: Int32, _ own: Set<Int32>) throws(ProcessError) {
        guard pid > 0 else { throw .invalid("\(pid)") }
        guard pid != 1 else { throw .system }
        guard !own.contains(pid) else { throw .own(pid) }
    }

    /// The number in a file: its first word, as PostgreSQL writes more lines.
    private static func number(in path: String) throws(ProcessError) -> Int32 {
        guard let bytes = SystemFile.read(path, limit: 1 << 16) else { throw .unreadable(path) }
        let text = String(decoding: bytes, as: UTF8.self)
        guard let word = text.split(whereSeparator: \.isWhitespace).first, let pid = Int32(word), pid > 0 else {
            throw .noNumber(path)
        }
        return pid
    }
}

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
    case refused(Int32, signal: String, reason: String)
    case unchanged(Int32, expected: String)
    case notStarted(String, reason: String)
    case hasEnded(String)

    package var description: String {
        switch self {
        case .notFound(let selector): "\(selector) is not there; see ps ax for what runs"
        case .several(let selector, let pids):
            "\(selector) is not one: there are \(pids.map { "\($0)" }.joined(separator: ", ")); be more exact"
        case .invalid(let text): "\(text) is not the number of a process"
        case .own(let pid): "process \(pid) is this program or one that started it; it would not live to tell"
        case .system: "process 1 runs the whole machine; name another process"
        case .unreadable(let path): "the PID file \(path) cannot be read; check the path, and whether the process runs"
        case .noNumber(let path): "\(path) does not begin with the number of a process"
        case .notPermitted(let pid): "process \(pid) belongs to somebody else; run this as its user, or as root"
        case .refused(let pid, let signal, let reason): "process \(pid) cannot be sent \(signal) (\(reason))"
        case .unchanged(let pid, let expected): "process \(pid) was told, but is not \(expected) after a second"
        case .notStarted(let program, let reason): "\(program) cannot be started (\(reason))"
        case .hasEnded(let name): "\(name) has ended before"
        }
    }
}
