import PacelineModel
import Testing

@Suite("Available memory")
struct SystemMemoryTests {
    static let meminfo = "MemTotal:       24000000 kB\nMemFree:         1000000 kB\nMemAvailable:   20000000 kB\n"
    static let gibibyte = 1 << 30

    /// The available memory on a system with these files.
    static func available(_ files: [String: String]) -> Int? {
        SystemMemory.available { files[$0] }
    }

    @Test("is MemAvailable if no control group limits it")
    func system() {
        #expect(Self.available(["/proc/meminfo": Self.meminfo]) == 20_000_000 << 10)
        #expect(
            Self.available([
                "/proc/meminfo": Self.meminfo, "/proc/self/cgroup": "0::/a\n",
                "/sys/fs/cgroup/a/memory.max": "max\n", "/sys/fs/cgroup/a/memory.current": "5\n",
            ]) == 20_000_000 << 10
        )
        #expect(Self.available([:]) == nil)
        #expect(Self.available(["/proc/meminfo": "MemAvailable: much\n", "/proc/self/cgroup": "strange\n1:\n"]) == nil)
    }

    @Test("is what the tightest control group leaves, not counting cached files as used")
    func unified() {
        let files = [
            "/proc/meminfo": Self.meminfo, "/proc/self/cgroup": "0::/a/b\n",
            "/sys/fs/cgroup/a/memory.max": "\(8 * Self.gibibyte)\n",
            "/sys/fs/cgroup/a/memory.current": "\(6 * Self.gibibyte)\n",
            "/sys/fs/cgroup/a/memory.stat": "anon 7\nfile \(3 * Self.gibibyte)\n",
            "/sys/fs/cgroup/a/b/memory.max": "\(9 * Self.gibibyte)\n",
            "/sys/fs/cgroup/a/b/memory.current": "\(1 * Self.gibibyte)\n",
        ]
        #expect(Self.available(files) == 5 * Self.gibibyte)
    }

    @Test("supports version 1 of control groups, and a container's root")
    func legacy() {
        let files = [
            "/proc/meminfo": Self.meminfo, "/proc/self/cgroup": "5:cpu,memory:/docker/x\n0::/\n",
            "/sys/fs/cgroup/memory/memory.limit_in_bytes": "\(4 * Self.gibibyte)\n",
            "/sys/fs/cgroup/memory/memory.usage_in_bytes": "\(2 * Self.gibibyte)\n",
            "/sys/fs/cgroup/memory/memory.stat": "cache 1\ntotal_cache \(1 * Self.gibibyte)\n",
        ]
        #expect(Self.available(files) == 3 * Self.gibibyte)
    }

    @Test("is more than 0 on this system")
    func here() throws {
        #expect(try #require(SystemMemory.available()) > 0)
    }
}
