import PacelineTensor

/// The memory that a new process can use on this system without displacing others.
package enum SystemMemory {
    /// File names of a control group's memory accounting, for version 1 or 2 of the kernel's interface.
    private struct Accounting {
        let limit: String
        let usage: String
        /// The field of `memory.stat` for cached files, which count as usage but which the kernel can drop.
        let files: String

        static let unified = Accounting(limit: "memory.max", usage: "memory.current", files: "file")
        static let legacy = Accounting(
            limit: "memory.limit_in_bytes",
            usage: "memory.usage_in_bytes",
            files: "total_cache"
        )
    }

    /// Available bytes: the system's `MemAvailable`, or less if a control group allows less. Nil if the system does not
    /// report it.
    ///
    /// - Parameter read: returns the contents of a file; nil if it does not exist.
    package static func available(read: (String) -> String? = ControlGroups.contents) -> Int? {
        let system = read("/proc/meminfo").flatMap { field("MemAvailable:", in: $0) }.map { $0 << 10 }
        let groups = ControlGroups.groups(of: "memory", read: read).compactMap { headroom(in: $0, read: read) }
        return ([system].compactMap(\.self) + groups).min()
    }

    /// Bytes left in one group; nil if it has no limit.
    private static func headroom(in group: ControlGroups.Group, read: (String) -> String?) -> Int? {
        let (accounting, group) = (group.isUnified ? Accounting.unified : .legacy, group.folder)
        // "max" means no limit.
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

    /// The number after `name` at the beginning of a line.
    private static func field(_ name: String, in text: String) -> Int? {
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.count > 1, words[0] == name { return Int(words[1]) }
        }
        return nil
    }
}
