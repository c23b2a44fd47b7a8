import PacelineTensor
import Testing

@Suite("Usable processors")
struct UsableProcessorsTests {
    /// How many there are where the process may run on `affinity` CPUs and the system's files are these.
    private static func count(_ affinity: Int, _ files: [String: String]) -> Int {
        UsableProcessors.count(affinity: affinity) { files[$0] }
    }

    @Test("are those that the process may run on, where no control group has a quota")
    func affinity() {
        #expect(Self.count(6, [:]) == 6)
        let unlimited = ["/proc/self/cgroup": "0::/a\n", "/sys/fs/cgroup/a/cpu.max": "max 100000\n"]
        #expect(Self.count(6, unlimited) == 6)
        let legacy = [
            "/proc/self/cgroup": "2:cpu:/a\n", "/sys/fs/cgroup/cpu/a/cpu.cfs_quota_us": "-1\n",
            "/sys/fs/cgroup/cpu/a/cpu.cfs_period_us": "100000\n",
        ]
        #expect(Self.count(6, legacy) == 6)
    }

    @Test(
        "are what a quota is worth, rounded up, and at least one",
        arguments: [
            ("200000 100000\n", 2), ("150000 100000\n", 2), ("100001 100000\n", 2), ("100000 100000\n", 1),
            ("1000 100000\n", 1), ("500000 50000\n", 8), ("25000 10000", 3),
        ]
    )
    func quota(file: String, processors: Int) {
        #expect(
            Self.count(8, ["/proc/self/cgroup": "0::/a/b\n", "/sys/fs/cgroup/a/b/cpu.max": file]) == processors
        )
    }

    @Test("are what the tightest of the process's groups allows, however far above it is")
    func ancestors() {
        let groups = ["/proc/self/cgroup": "0::/a/b/c\n", "/sys/fs/cgroup/a/b/c/cpu.max": "max 100000\n"]
        #expect(Self.count(8, groups.merging(["/sys/fs/cgroup/a/cpu.max": "300000 100000\n"]) { $1 }) == 3)
        #expect(Self.count(8, groups.merging(["/sys/fs/cgroup/cpu.max": "500000 100000\n"]) { $1 }) == 5)
        #expect(Self.count(8, groups.merging(["/sys/fs/cgroup/b/cpu.max": "100000 100000\n"]) { $1 }) == 8)
    }

    @Test(
        "follow the older interface, by whichever name it is mounted, and in a container that sees only its own root",
        arguments: ["cpu/a", "cpu,cpuacct/a", "cpu", "cpu,cpuacct"]
    )
    func legacy(folder: String) {
        let files = [
            "/proc/self/cgroup": "9:name=systemd:/\n4:memory:/a\n2:cpu,cpuacct:/a\n0::/\n",
            "/sys/fs/cgroup/\(folder)/cpu.cfs_quota_us": "250000\n",
            "/sys/fs/cgroup/\(folder)/cpu.cfs_period_us": "100000\n",
        ]
        #expect(Self.count(8, files) == 3)
        #expect(Self.count(2, files) == 2)
    }

    @Test(
        "are not fewer for files that make no sense",
        arguments: ["", "max", "100000", "100000 0", "0 100000", "-1 100000", "nan 100000", "inf 100000", "a b c"]
    )
    func nonsense(file: String) {
        let files = ["/proc/self/cgroup": "strange\n1:\n0::/a\n", "/sys/fs/cgroup/a/cpu.max": file]
        #expect(Self.count(8, files) == 8)
    }

    @Test("are at least one here")
    func here() {
        #expect(UsableProcessors.count() >= 1)
        #expect(UsableProcessors.count() <= UsableProcessors.affinity())
    }
}
