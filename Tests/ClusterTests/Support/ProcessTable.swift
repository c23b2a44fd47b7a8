import Foundation
import Glibc

/// Information about processes from /proc.
enum ProcessTable {
    /// The ids of all descendants of `pid`.
    static func descendants(of pid: pid_t) -> [pid_t] {
        var parents: [pid_t: pid_t] = [:]
        for child in all { parents[child] = stat(child)?.parent }
        var found: [pid_t] = []
        var generation = [pid]
        while !generation.isEmpty {
            generation = parents.filter { generation.contains($0.value) }.map(\.key)
            found += generation
        }
        return found
    }

    /// The ids of all processes with this argument.
    static func withArgument(_ argument: String) -> [pid_t] {
        all.filter { arguments(of: $0).contains(argument) && isAlive($0) }
    }

    private static var all: [pid_t] {
        ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []).compactMap { pid_t($0) }
    }

    /// Whether a process is running; a zombie is not.
    static func isAlive(_ pid: pid_t) -> Bool {
        stat(pid).map { $0.state != "Z" } ?? false
    }

    /// The arguments of a process.
    static func arguments(of pid: pid_t) -> [String] {
        let bytes = (try? Data(contentsOf: URL(filePath: "/proc/\(pid)/cmdline"))) ?? Data()
        return bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The number of a CPU that this process may use.
    static var firstAllowedCPU: String {
        let name = "Cpus_allowed_list:"
        let status = TestFiles.text(URL(filePath: "/proc/self/status"))
        let line = status.split(separator: "\n").first { $0.hasPrefix(name) } ?? ""
        return String(line.dropFirst(name.count).drop { !$0.isNumber }.prefix { $0.isNumber })
    }

    /// State and parent from /proc/PID/stat, whose second field may hold anything and ends at the last parenthesis.
    private static func stat(_ pid: pid_t) -> (state: Character, parent: pid_t)? {
        guard let bytes = try? Data(contentsOf: URL(filePath: "/proc/\(pid)/stat")) else { return nil }
        let text = String(decoding: bytes, as: UTF8.self)
        let fields = text[(text.lastIndex(of: ")") ?? text.startIndex)...].split(separator: " ")
        guard fields.count > 2, let state = fields[1].first, let parent = pid_t(fields[2]) else { return nil }
        return (state, parent)
    }
}
