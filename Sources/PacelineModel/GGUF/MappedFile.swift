import Glibc

/// A whole file mapped read-only and private into memory.
///
/// The bytes live as long as the object, so keep a reference while a pointer into them is in use. Do not shorten a
/// mapped file in place: the kernel then raises SIGBUS on access. Replacing it by rename is safe.
package final class MappedFile: Sendable {
    /// The path as the caller gave it, for messages.
    package let path: String
    /// Bytes in the file.
    package let count: Int

    // Written in `init`, unmapped in `deinit` and read-only in between, so it is safe to share between threads.
    nonisolated(unsafe) private let base: UnsafeMutableRawPointer?
    private let isFileBacked: Bool

    /// Maps the file at `path`. Throws if it cannot be opened or is not a regular file.
    package init(path: String) throws(GGUFError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw GGUFError(path: path, reason: .unreadable(errno: errno)) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw GGUFError(path: path, reason: .unreadable(errno: errno)) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw GGUFError(path: path, reason: .notARegularFile) }
        self.path = path
        count = Int(status.st_size)
        isFileBacked = true
        base = try Self.map(count, descriptor: descriptor, flags: MAP_PRIVATE, protection: PROT_READ, path: path)
    }

    /// Holds a copy of `bytes` and presents it as a file called `name`.
    package init(copying bytes: [UInt8], name: String) throws(GGUFError) {
        path = name
        count = bytes.count
        isFileBacked = false
        let flags = MAP_PRIVATE | MAP_ANONYMOUS
        base = try Self.map(count, descriptor: -1, flags: flags, protection: PROT_READ | PROT_WRITE, path: name)
        bytes.withUnsafeBytes { source in
            guard let base, let start = source.baseAddress else { return }
            base.copyMemory(from: start, byteCount: source.count)
        }
    }

    deinit {
        if let base { munmap(base, count) }
    }

    private static func map(
        _ count: Int,
        descriptor: Int32,
        flags: Int32,
        protection: Int32,
        path: String
    ) throws(GGUFError) -> UnsafeMutableRawPointer? {
        // mmap refuses an empty range.
        guard count > 0 else { return nil }
        let pointer = mmap(nil, count, protection, flags, descriptor, 0)
        guard let pointer, pointer != MAP_FAILED else { throw GGUFError(path: path, reason: .unreadable(errno: errno)) }
        return pointer
    }

    /// Calls `body` with all bytes. The pointer may outlive the call only while the caller keeps this object.
    package func withBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        try body(UnsafeRawBufferPointer(start: base, count: count))
    }

    /// Tells the kernel that the whole pages inside `range` will not be read again soon, for example after repacking
    /// weights. The kernel frees their memory, and a later read maps them again. Ignores bytes outside the file.
    package func dropPages(in range: Range<Int>) {
        // Dropping the pages of an anonymous map would lose its bytes.
        guard isFileBacked, let base else { return }
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        let clamped = range.clamped(to: 0..<count)
        let start = (clamped.lowerBound + page - 1) / page * page
        let end = clamped.upperBound == count ? count : clamped.upperBound / page * page
        guard start < end else { return }
        madvise(base + start, end - start, MADV_DONTNEED)
    }
}
