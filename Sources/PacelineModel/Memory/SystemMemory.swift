import Glibc

/// How much memory a new process can take here without pushing others out.
package enum SystemMemory {
    /// A control group's accounting, version 1 or 2 of the kernel's interface.
    private struct Accounting {
        let limit: String
        let usage: String
        /// The field of `memory.stat` that tells what of the usage is files, which the kernel drops when it must.
        let files: String

        static let unified = Accounting(limit: "memory.max", usage: "memory.current", files: "file")
        static let legacy = Accounting(
            limit: "memory.limit_in_bytes",
            usage: "memory.usage_in_bytes",
            files: "total_cache"
        )
    }

    /// Bytes that are available: the system's `MemAvailable`, or less where a control group allows less. Nil where the
    /// system does not say.
    ///
    /// - Parameter read: gives the contents of a file, nil if there is none.
    package static func available(read: (String) -> String? = contents) -> Int? {
        let system = read("/proc/meminfo").flatMap { field("MemAvailable:", in: $0) }.map { $0 << 10 }
        let groups = (read("/proc/self/cgroup") ?? "").split(separator: "\n").flatMap { headroom(of: $0, read: read) }
        return ([system].compactMap(\.self) + groups).min()
    }

    /// What is left in the groups that a line of `/proc/self/cgroup` names, from the process's own up to the root.
    private static func headroom(of line: Substring, read: (String) -> String?) -> [Int] {
        let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3 else { return [] }
        let isUnified = parts[1].isEmpty
        guard isUnified || parts[1].split(separator: ",").contains("memory") else { return [] }
        let accounting = isUnified ? Accounting.unified : .legacy
        let mount = isUnified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory"
        var path = parts[2].split(separator: "/")
        var found: [Int] = []
        while true {
            let group = ([Substring(mount)] + path).joined(separator: "/")
            if let left = headroom(in: group, accounting, read: read) { found.append(left) }
            if path.popLast() == nil { return found }
        }
    }

    private static func headroom(in group: String, _ accounting: Accounting, read: (String) -> String?) -> Int? {
        // "max" stands for no limit.
        guard let limit = read("\(group)/\(accounting.limit)").flatMap(number),
            let usage = read("\(group)/\(accounting.usage)").flatMap(number)
        else { return nil }
        let files = read("\(group)/memory.stat").flatMap { field(accounting.files, in: $0) } ?? 0
        return max(0, limit - max(0, usage - files))
    }

    private static func number(_ text: String) -> Int? {
        let digits = text.utf8.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        return Int(String(decoding: digits, as: UTF8.self))
    }

    /// The number behind a name at the beginning of a line.
    private static func field(_ name: String, in text: String) -> Int? {
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.count > 1, words[0] == name { return Int(words[1]) }
        }
        return nil
    }

    /// The contents of a small file of the system.
    package static func contents(_ path: String) -> String? {
        guard let file = fopen(path, "re") else { return nil }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes[..<count], as: UTF8.self)
    }
}
