import PacelineTensor

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
    package static func available(read: (String) -> String? = ControlGroups.contents) -> Int? {
        let system = read("/proc/meminfo").flatMap { field("MemAvailable:", in: $0) }.map { $0 << 10 }
        let groups = ControlGroups.groups(of: "memory", read: read).compactMap { headroom(in: $0, read: read) }
        return ([system].compactMap(\.self) + groups).min()
    }

    /// What is left in one group; nil if it has no limit.
    private static func headroom(in group: ControlGroups.Group, read: (String) -> String?) -> Int? {
        let (accounting, group) = (group.isUnified ? Accounting.unified : .legacy, group.folder)
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
}
