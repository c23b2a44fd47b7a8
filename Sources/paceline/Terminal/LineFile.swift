import ArgumentParser
import Glibc
import PacelineServer

/// A file that a long command adds lines to as it goes, so that what is there stays if the command is stopped.
final class LineFile {
    private let path: String
    private let content: String
    private let descriptor: Int32

    /// - Parameters:
    ///   - content: what the lines are, for errors.
    ///   - length: of what stays in the file, in bytes; what follows is cut off.
    /// - Throws: `ValidationError`, because the path came from the command line.
    init(_ content: String, at path: String, keeping length: Int = 0) throws(ValidationError) {
        self.path = path
        self.content = content
        descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw Self.error(content, path, errno) }
        // Devices have no length.
        if ftruncate(descriptor, off_t(length)) == 0 { lseek(descriptor, 0, SEEK_END) }
    }

    deinit { close(descriptor) }

    /// Adds one JSON object on its own line.
    func append(_ value: some Encodable) throws {
        let code = FileDescriptorWriter.write(try JSON.encode(value) + [UInt8(ascii: "\n")], to: descriptor)
        guard code == 0 else { throw Self.error(content, path, code) }
    }

    private static func error(_ content: String, _ path: String, _ code: Int32) -> ValidationError {
        ValidationError(
            "\(content) cannot be written to \(path) (\(String(cString: strerror(code)))); "
                + "check the folder, its permissions and the room on the disk"
        )
    }
}
