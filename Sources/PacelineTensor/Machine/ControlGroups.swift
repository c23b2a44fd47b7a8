import Glibc

/// Where Linux says what the control groups of this process allow, in versions 1 and 2 of the interface.
package enum ControlGroups {
    /// One control group.
    package struct Group: Sendable, Hashable {
        /// Its folder.
        package let folder: String
        /// Whether it belongs to version 2, which has one hierarchy for all controllers.
        package let isUnified: Bool
    }

    /// The groups that a controller (`cpu`, `memory`) may limit this process by: its own and all above it, in both
    /// versions.
    ///
    /// In a container the folder of the process's own group may be missing. Then the root that the container sees is
    /// its group.
    ///
    /// - Parameter read: returns the contents of a file, or nil if it does not exist.
    package static func groups(of controller: String, read: (String) -> String?) -> [Group] {
        (read("/proc/self/cgroup") ?? "").split(separator: "\n").flatMap { groups(of: controller, line: $0) }
    }

    /// The groups in a line of `/proc/self/cgroup`: `number:controllers:path`, without controllers for version 2.
    private static func groups(of controller: String, line: Substring) -> [Group] {
        let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3 else { return [] }
        let isUnified = parts[1].isEmpty
        guard isUnified || parts[1].split(separator: ",").contains(Substring(controller)) else { return [] }
        // A hierarchy of several controllers is mounted under the names of all, and usually under each name as well.
        let names = isUnified ? [""] : Set(["/\(controller)", "/\(parts[1])"]).sorted()
        let path = parts[2].split(separator: "/")
        return names.flatMap { name in
            (0...path.count).reversed().map { depth in
                let folder = (["/sys/fs/cgroup\(name)"] + path[..<depth]).joined(separator: "/")
                return Group(folder: folder, isUnified: isUnified)
            }
        }
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
