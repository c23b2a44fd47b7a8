import Glibc

/// How many files and connections this process may have open.
enum DescriptorLimit {
    /// Takes as many as the system allows. Each connection needs a descriptor, and the usual limit of 1,024 is for
    /// programs that use `select`.
    static func raise() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}
