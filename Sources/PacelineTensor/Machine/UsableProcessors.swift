import CPacelineKernels

/// How many CPUs this process may use.
///
/// More threads than that only take turns, and wait for each other meanwhile.
package enum UsableProcessors {
    /// The CPUs that the process may run on, or fewer if a control group has a smaller quota. A fraction of a CPU
    /// counts as one. At least 1.
    ///
    /// - Parameters:
    ///   - affinity: the CPUs that the process may run on.
    ///   - read: returns the contents of a file, or nil if it does not exist.
    package static func count(
        affinity: Int = affinity(),
        read: (String) -> String? = ControlGroups.contents
    ) -> Int {
        let quotas = ControlGroups.groups(of: "cpu", read: read).compactMap { quota(of: $0, read: read) }
        return max(1, ([affinity] + quotas).min() ?? 1)
    }

    /// The CPUs that the calling thread may run on: those that are online, unless `taskset`, a cpuset or the parent has
    /// chosen among them.
    package static func affinity() -> Int {
        Int(pl_cpu_affinity())
    }

    /// The quota of one group in CPUs, rounded up; nil if it has none.
    private static func quota(of group: ControlGroups.Group, read: (String) -> String?) -> Int? {
        let microseconds: [Double]
        if group.isUnified {
            // "max 100000" or "150000 100000".
            let words = (read("\(group.folder)/cpu.max") ?? "").split { $0 == " " || $0 == "\n" }
            microseconds = words.compactMap { Double($0) }
        } else {
            // -1 stands for no limit.
            microseconds = ["quota", "period"].compactMap { name in
                read("\(group.folder)/cpu.cfs_\(name)_us").flatMap { Double($0.prefix { $0 != "\n" }) }
            }
        }
        guard microseconds.count == 2, microseconds.allSatisfy({ $0 > 0 && $0.isFinite }) else { return nil }
        return Int(exactly: (microseconds[0] / microseconds[1]).rounded(.up))
    }
}
