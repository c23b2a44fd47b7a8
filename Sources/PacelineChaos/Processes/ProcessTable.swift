import Glibc

/// A process as the system lists it.
package struct ProcessEntry: Sendable, Hashable {
    package let pid: Int32
    package let parent: Int32
    package let group: Int32
    /// As in `ps`: R, S, D, T for stopped, Z for ended.
    package let state: Character
    /// Clock ticks from the start of the system; with the number, it tells a process from a later one of that number.
    package let startTime: UInt64

    package var hasEnded: Bool { state == "Z" || state == "X" }
    package var isStopped: Bool { state == "T" || state == "t" }

    /// Its command line, read now; empty for threads of the kernel and for ended processes.
    package var arguments: [String] {
        let line = SystemFile.read("/proc/\(pid)/cmdline") ?? []
        let words = line.split(separator: 0, omittingEmptySubsequences: false)
        return words.dropLast().map { String(decoding: $0, as: UTF8.self) }
    }
}

/// All processes of the machine, as `/proc` tells them: cheap enough to be read again and again.
package struct ProcessTable: Sendable {
    package let entries: [ProcessEntry]

    /// Reads it.
    package init() {
        entries = Self.numbers(in: "/proc").sorted().compactMap { Self.entry(Int32(clamping: $0)) }
    }

    package subscript(pid: Int32) -> ProcessEntry? { entries.first { $0.pid == pid } }

    /// One process; nil if there is none of this number.
    package static func entry(_ pid: Int32) -> ProcessEntry? {
        guard let bytes = SystemFile.read("/proc/\(pid)/stat", limit: 1024) else { return nil }
        let text = String(decoding: bytes, as: UTF8.self)
        // The name is in brackets, and may contain some.
        guard let name = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: name)...].split(whereSeparator: \.isWhitespace)
        guard fields.count > 19, let state = fields[0].first, let parent = Int32(fields[1]),
            let group = Int32(fields[2]), let start = UInt64(fields[19])
        else { return nil }
        return ProcessEntry(pid: pid, parent: parent, group: group, state: state, startTime: start)
    }

    /// Whether a process group has a member that has not ended.
    static func hasGroup(_ group: Int32) -> Bool {
        // Without permission there is one, too.
        guard kill(-group, 0) == 0 || errno == EPERM else { return false }
        return ProcessTable().entries.contains { $0.group == group && !$0.hasEnded }
    }

    /// A process's children, their children, and so on.
    package func descendants(of pid: Int32) -> [ProcessEntry] {
        var found: [ProcessEntry] = []
        var parents: Set<Int32> = [pid]
        while !parents.isEmpty {
            let children = entries.filter { parents.contains($0.parent) && $0.pid != pid }
            found += children
            parents = Set(children.map(\.pid))
        }
        return found
    }

    /// A process's parent, its parent, and so on.
    package func ancestors(of pid: Int32) -> [Int32] {
        var found: [Int32] = []
        var next = self[pid]?.parent
        while let pid = next, pid > 0, !found.contains(pid) {
            found.append(pid)
            next = self[pid]?.parent
        }
        return found
    }

    /// Processes that listen on a port; of those that share the socket, the ones that the others come from.
    ///
    /// - Returns: nil if nobody listens; none if somebody does whose descriptors this process may not see.
    package func listeners(on port: Int) -> [ProcessEntry]? {
        let sockets = Self.listeningSockets(port)
        guard !sockets.isEmpty else { return nil }
        let holders = entries.filter { entry in
            let folder = "/proc/\(entry.pid)/fd"
            return Self.numbers(in: folder).contains { number in
                SystemFile.link("\(folder)/\(number)").map(sockets.contains) ?? false
            }
        }
        let pids = Set(holders.map(\.pid))
        return holders.filter { !pids.contains($0.parent) }
    }

    /// Sockets that listen on a port, as the links of descriptors name them.
    private static func listeningSockets(_ port: Int) -> Set<String> {
        var sockets: Set<String> = []
        for file in ["/proc/net/tcp", "/proc/net/tcp6"] {
            let text = String(decoding: SystemFile.read(file) ?? [], as: UTF8.self)
            for line in text.split(separator: "\n").dropFirst() {
                let fields = line.split(separator: " ")
                // 0A is the state of a listening socket.
                guard fields.count > 9, fields[3] == "0A", let hex = fields[1].split(separator: ":").last,
                    Int(hex, radix: 16) == port
                else { continue }
                sockets.insert("socket:[\(fields[9])]")
            }
        }
        return sockets
    }

    private static func numbers(in folder: String) -> [Int] {
        SystemFile.names(in: folder).compactMap { Int($0) }
    }
}

/// Files of `/proc`, which have no size and may vanish at any time.
enum SystemFile {
    /// The whole file; nil if it cannot be read.
    static func read(_ path: String, limit: Int = 1 << 24) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { _ = close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: min(limit, 16384))
        while bytes.count < limit {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { return nil }
            guard count > 0 else { break }
            bytes += chunk[..<count]
        }
        return bytes
    }

    static func link(_ path: String) -> String? {
        var target = [CChar](repeating: 0, count: 256)
        let count = readlink(path, &target, target.count)
        return count > 0 ? String(decoding: target[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self) : nil
    }

    static func names(in folder: String) -> [String] {
        guard let stream = opendir(folder) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            names.append(name)
        }
        return names
    }
}
