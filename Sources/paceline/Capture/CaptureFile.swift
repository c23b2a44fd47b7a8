import ArgumentParser
import Glibc
import PacelineTraining

/// A capture file on the disk.
final class CaptureFile: CaptureSource {
    private let path: String
    private let descriptor: Int32
    /// Bytes in the file, without those of a record whose writing was interrupted.
    private(set) var count: Int

    /// Opens a file to read.
    ///
    /// - Throws: `ValidationError`, because the path came from the command line.
    init(reading path: String) throws(ValidationError) {
        self.path = path
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.error("read", path, errno) }
        count = try Self.size(descriptor, path)
    }

    /// Opens or makes a file to go on with. No other process may write it meanwhile.
    private init(writing path: String) throws(ValidationError) {
        self.path = path
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw Self.error("written", path, errno) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw ValidationError("\(path) is being written by another capture; wait for it, or name another file")
        }
        count = try Self.size(descriptor, path)
    }

    deinit { close(descriptor) }

    /// Opens a file to go on with, or begins it.
    ///
    /// A last record that was cut off, as when an earlier capture was stopped, is dropped.
    ///
    /// - Throws: `ValidationError` for a file of another capture, or a damaged one.
    static func resumed(_ path: String, _ header: CaptureHeader) throws -> (file: CaptureFile, reader: CaptureReader) {
        let file = try CaptureFile(writing: path)
        let start = header.encoded
        // An earlier capture may have been stopped within the header.
        if file.count < start.count, try start.starts(with: file.bytes(0..<file.count)) {
            try file.cut(to: 0)
            try file.append(start)
        }
        do {
            let reader = try CaptureReader(file)
            if let difference = header.difference(from: reader.header) { throw difference }
            if let last = reader.entries.last { _ = try reader.record(last, from: file) }
            try file.cut(to: reader.end)
            return (file, reader)
        } catch let error as CaptureError {
            throw ValidationError("\(path) cannot be continued: \(error)")
        }
    }

    func bytes(_ range: Range<Int>) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: range.count)
        var done = 0
        while done < range.count {
            let offset = off_t(range.lowerBound + done)
            let read = bytes.withUnsafeMutableBytes { all in
                let rest = UnsafeMutableRawBufferPointer(rebasing: all[done...])
                return pread(descriptor, rest.baseAddress, rest.count, offset)
            }
            if read < 0, errno == EINTR { continue }
            guard read > 0 else { throw Self.error("read", path, read < 0 ? errno : EIO) }
            done += read
        }
        return bytes
    }

    /// Adds bytes at the end.
    func append(_ bytes: [UInt8]) throws(ValidationError) {
        let code = FileDescriptorWriter.write(bytes, to: descriptor)
        guard code == 0 else { throw Self.error("written", path, code) }
        count += bytes.count
    }

    private func cut(to length: Int) throws(ValidationError) {
        guard ftruncate(descriptor, off_t(length)) == 0, lseek(descriptor, 0, SEEK_END) >= 0 else {
            throw Self.error("written", path, errno)
        }
        count = length
    }

    private static func size(_ descriptor: Int32, _ path: String) throws(ValidationError) -> Int {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw error("read", path, errno) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw ValidationError("\(path) is not a regular file; name a file, which a later capture can go on with")
        }
        return Int(status.st_size)
    }

    private static func error(_ verb: String, _ path: String, _ code: Int32) -> ValidationError {
        ValidationError(
            "the capture \(path) cannot be \(verb) (\(String(cString: strerror(code)))); "
                + "check the folder, its permissions and the room on the disk"
        )
    }
}
