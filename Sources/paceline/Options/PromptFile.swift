import Glibc

/// Reads a prompt file byte for byte.
enum PromptFile {
    /// The largest file, in bytes: 16 for each of the 2^24 tokens that `--context` allows.
    static let limit = 256 << 20

    /// The unchanged text of the file at `path`; `-` is standard input.
    static func text(at path: String) throws(PromptFileError) -> String {
        let bytes = try read(path)
        do throws(UTF8.ValidationError) {
            return String(copying: try UTF8Span(validating: bytes.span))
        } catch {
            throw .invalidUTF8(path: path == "-" ? "standard input" : path, offset: error.byteOffsets.lowerBound)
        }
    }

    private static func read(_ path: String) throws(PromptFileError) -> [UInt8] {
        guard path != "-" else { return try read(STDIN_FILENO, path: "standard input") }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .unreadable(path: path, errno: errno) }
        defer { close(descriptor) }
        return try read(descriptor, path: path)
    }

    private static func read(_ descriptor: Int32, path: String) throws(PromptFileError) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0 {
                guard errno == EINTR else { throw .unreadable(path: path, errno: errno) }
                continue
            }
            guard count > 0 else { return bytes }
            bytes.append(contentsOf: chunk[..<count])
            guard bytes.count <= limit else { throw .tooLong(path: path, limit: limit) }
        }
    }
}

/// Why a prompt file cannot be used.
enum PromptFileError: Error, CustomStringConvertible {
    case unreadable(path: String, errno: Int32)
    case tooLong(path: String, limit: Int)
    case invalidUTF8(path: String, offset: Int)

    var description: String {
        switch self {
        case .unreadable(let path, let code):
            "\(path) cannot be read (\(String(cString: strerror(code)))); check the path and its permissions"
        case .tooLong(let path, let limit):
            "\(path) is larger than \(limit >> 20) MiB, more than any model's context holds; use a shorter text"
        case .invalidUTF8(let path, let offset):
            "\(path) is not valid UTF-8 at byte \(offset); convert it to UTF-8 first"
        }
    }
}
