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
    /// - Parameter helpers: commands that somebody else runs about the process; a command line that matches is not
    ///   theirs.
    /// - Throws: ``ProcessError`` if there is none, or the named one may not be struck.
    package func find(besides helpers: HelperCommands = HelperCommands()) throws(ProcessError) -> [ProcessEntry] {
        let table = ProcessTable()
        let own = Set([getpid(), 1] + table.ancestors(of: getpid()))
        switch self {
        case .pid(let pid): return [try Self.one(pid, table, own)]
        case .pidFile(let path): return [try Self.one(try Self.number(in: path), table, own)]
        case .match(let text):
            let found = table.entries.filter { entry in
                guard !entry.hasEnded, !own.contains(entry.pid), !helpers.groups.contains(entry.group) else {
                    return false
                }
                let arguments = entry.arguments
                return !Self.isGuard(arguments) && arguments.joined(separator: " ").contains(text)
            }
            // A launcher names what it launches, and may be all that there is of it.
            let others = found.filter { !helpers.launchers.contains($0.pid) }
            let wanted = others.isEmpty ? found : others
            let pids = Set(wanted.map(\.pid))
            // A process that was forked without another program is a part of the one that it comes from.
            let first = wanted.filter { !pids.contains($0.parent) }
            guard !first.isEmpty else { throw .notFound(self) }
            return first
        case .port(let port):
            guard let found = table.listeners(on: port) else { throw .notFound(self) }
            guard !found.isEmpty else { throw .foreignPort(port) }
            for entry in found { try Self.check(entry.pid, own) }
            return found
        }
    }

    /// The only process that it names.
    ///
    /// - Throws: ``ProcessError``, also if there are several.
    package func findOne(besides helpers: HelperCommands = HelperCommands()) throws(ProcessError) -> ProcessEntry {
        let found = try find(besides: helpers)
        guard found.count == 1, let one = found.first else { throw .several(self, found.map(\.pid)) }
        return one
    }

    /// The guard of a nemesis, this one's or another's.
    private static func isGuard(_ arguments: [String]) -> Bool { Array(arguments.dropFirst()) == ["chaos", "guard"] }

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

/// Commands that somebody runs about a process, as its checks, which may name it without being it.
package struct HelperCommands: Sendable, Hashable {
    /// Process groups that are never found.
    package var groups: Set<Int32> = []
    /// Processes that are found only if nothing else is: they may start the wanted one, or be it.
    package var launchers: Set<Int32> = []

    package init() {}
}
