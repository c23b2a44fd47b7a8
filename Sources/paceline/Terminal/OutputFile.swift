import ArgumentParser
import Glibc

/// A file that a command writes its results to.
enum OutputFile {
    /// Writes all of `text`, over whatever was in the file.
    ///
    /// - Parameter content: what the text is, for the error.
    /// - Throws: `ValidationError`, because the path came from the command line.
    static func write(_ text: String, _ content: String, to path: String) throws(ValidationError) {
        try write(Array(text.utf8), content, to: path)
    }

    /// Writes all of `bytes`, over whatever was in the file; otherwise as for a text.
    static func write(_ bytes: [UInt8], _ content: String, to path: String) throws(ValidationError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw error(content, path, errno) }
        let code = FileDescriptorWriter.write(bytes, to: descriptor)
        // Some file systems tell only now that the disk is full.
        let isClosed = close(descriptor) == 0
        guard code == 0 else { throw error(content, path, code) }
        guard isClosed else { throw error(content, path, errno) }
    }

    /// Replaces a file by one with `bytes` at once: whoever reads it meanwhile, or after a crash, finds the old or the
    /// new one. Otherwise as for a text.
    static func replace(_ path: String, _ content: String, with bytes: [UInt8]) throws(ValidationError) {
        let new = path + ".new"
        try write(bytes, content, to: new)
        guard rename(new, path) == 0 else { throw error(content, path, errno) }
    }

    /// All bytes of a file that an earlier run may have left; nil if there is none.
    ///
    /// - Throws: `ValidationError` if it cannot be read.
    static func contentsIfPresent(_ path: String, _ content: String) throws(ValidationError) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        if descriptor < 0, errno == ENOENT { return nil }
        var status = stat()
        guard descriptor >= 0, fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw ValidationError("\(content) \(path) cannot be read; check the path and its permissions")
        }
        defer { _ = close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeMutableBytes {
                pread(descriptor, $0.baseAddress! + done, $0.count - done, off_t(done))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw ValidationError("\(content) \(path) cannot be read; check the disk") }
            done += count
        }
        return bytes
    }

    /// Sees before long work whether its results can be written; leaves what is in the file.
    ///
    /// - Throws: `ValidationError`, as ``write(_:_:to:)`` would.
    static func check(_ content: String, at path: String) throws(ValidationError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw error(content, path, errno) }
        _ = close(descriptor)
    }

    /// Whether two paths lead to one file, however they are spelt.
    static func isSame(_ first: String, _ second: String) -> Bool {
        var (one, other) = (stat(), stat())
        guard stat(first, &one) == 0, stat(second, &other) == 0 else { return false }
        return one.st_dev == other.st_dev && one.st_ino == other.st_ino
    }

    private static func error(_ content: String, _ path: String, _ code: Int32) -> ValidationError {
        ValidationError(
            "\(content) cannot be written to \(path) (\(String(cString: strerror(code)))); "
                + "check the folder, its permissions and the room on the disk"
        )
    }
}
