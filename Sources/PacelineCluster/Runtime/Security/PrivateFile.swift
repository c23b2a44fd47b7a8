import Glibc

/// A file with a secret, which nobody reads but those who are meant to.
///
/// As with the keys of OpenSSH, a file of the process's own user must be closed to everybody else. A file of root's may
/// also be readable by a group, if the process is not root. Such a process can only read it by that group, so whoever
/// set the group meant just that; this is how Kubernetes mounts a Secret for a Pod with `fsGroup` (mode 440). The
/// process could not close the file anyway. Nobody but root may ever change it.
enum PrivateFile {
    private static let groupReads: mode_t = 0o040
    private static let everyoneElse: mode_t = 0o077

    /// The file's bytes. The checks follow the opening, so that what is checked is what is read.
    ///
    /// - Parameter limit: in bytes. A longer file gives one byte more, by which the caller recognises it.
    static func contents(of path: String, limit: Int) throws(PrivateFileError) -> [UInt8] {
        // Without O_NONBLOCK, a pipe without a writer would block for ever.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw .unreadable(path: path, reason: lastFailure) }
        defer { close(descriptor) }
        try check(descriptor, path)
        return try read(descriptor, path, limit: limit)
    }

    private static func check(_ descriptor: Int32, _ path: String) throws(PrivateFileError) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .unreadable(path: path, reason: lastFailure) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .notAFile(path: path) }
        guard status.st_uid == geteuid() || status.st_uid == 0 else { throw .foreign(path: path) }
        guard isClosed(mode: status.st_mode, owner: status.st_uid, user: geteuid()) else {
            throw .exposed(path: path, mode: status.st_mode & 0o7777)
        }
    }

    /// Whether only those can read a file who are meant to, and nobody else can change it.
    ///
    /// - Parameters:
    ///   - owner: root or the process's user.
    ///   - user: the process's.
    static func isClosed(mode: mode_t, owner: uid_t, user: uid_t) -> Bool {
        let allowed = owner == 0 && user != 0 ? groupReads : 0
        return mode & everyoneElse & ~allowed == 0
    }

    private static func read(_ descriptor: Int32, _ path: String, limit: Int) throws(PrivateFileError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: limit + 1)
        var count = 0
        while count < bytes.count {
            let got = bytes[count...].withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if got == 0 { break }
            guard got > 0 else { throw .unreadable(path: path, reason: lastFailure) }
            count += got
        }
        return Array(bytes.prefix(count))
    }

    private static var lastFailure: String { String(cString: strerror(errno)) }
}

/// Why a file with a secret was not read.
package enum PrivateFileError: Error, Equatable, Sendable {
    case unreadable(path: String, reason: String)
    case notAFile(path: String)
    /// Users other than its owner may read or change it.
    case exposed(path: String, mode: UInt32)
    /// It belongs to another user, who may change it.
    case foreign(path: String)
}

extension PrivateFileError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unreadable(let path, let reason): "\(path) cannot be read (\(reason)); check the path and its permissions"
        case .notAFile(let path): "\(path) is not a regular file; name a file that holds the token, certificate or key"
        case .exposed(let path, let mode):
            "\(path) holds a secret, but its mode is \(String(mode, radix: 8)), so other users can read or change it; "
                + "run chmod 600 \(path)"
        case .foreign(let path): "\(path) holds a secret, but belongs to another user; it must be yours or root's"
        }
    }
}

extension SharedToken {
    /// Reads a token from a file that is closed to others, as ``PrivateFile`` says.
    ///
    /// - Throws: ``PrivateFileError`` or ``SharedTokenError``.
    package init(file path: String) throws {
        // Leaves room for white space around the longest token.
        let bytes = try PrivateFile.contents(of: path, limit: Self.byteCounts.upperBound + 64)
        try self.init(bytes, source: path)
    }
}
