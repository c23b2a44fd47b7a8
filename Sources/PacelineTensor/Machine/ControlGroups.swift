import Glibc

/// Where the kernel tells what the control groups of this process allow (Linux, versions 1 and 2 of its interface).
package enum ControlGroups {
    /// One control group.
    package struct Group: Sendable, Hashable {
        /// Its folder.
        package let folder: String
        /// Whether it speaks version 2, with one hierarchy for all controllers.
        package let isUnified: Bool
    }

    /// The groups that a controller (`cpu`, `memory`) may limit this process by: its own and all above it, in both
    /// versions.
    ///
    /// In a container the folder of the process's own group need not be there; the root that the container sees is its
    /// group then.
    ///
    /// - Parameter read: gives the contents of a file, nil if there is none.
    package static func groups(of controller: String, read: (String) -> String?) -> [Group] {
        (read("/proc/self/cgroup") ?? "").split(separator: "\n").flatMap { groups(of: controller, line: $0) }
    }

    /// Those that a line of `/proc/self/cgroup` names: `number:controllers:path`, without controllers for version 2.
    private static func groups(of controller: String, line: Substring) -> [Group] {
        let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3 else { return [] }
        let isUnified = parts[1].isEmpty
        guard isUnified || parts[1].split(separator: ",").contains(Substring(controller)) else { return [] }
        // A hierarchy of several controllers is mounted by the names of all, and mostly by that of each as well.
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
