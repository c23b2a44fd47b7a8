import Glibc
import PacelineServer

/// The result of a command, and nothing else.
enum StandardOutput {
    static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

    /// Writes text unchanged.
    static func write(_ text: String) throws(OutputError) {
        try write(Array(text.utf8))
    }

    /// Writes bytes unchanged.
    ///
    /// - Throws: ``OutputError`` if, for example, the reader has gone or the disk is full.
    static func write(_ bytes: [UInt8]) throws(OutputError) {
        let code = FileDescriptorWriter.write(bytes, to: STDOUT_FILENO)
        guard code == 0 else { throw OutputError(code: code) }
    }

    /// Writes one JSON object on its own line.
    static func json(_ value: some Encodable) throws {
        try write(String(decoding: JSON.encode(value), as: UTF8.self) + "\n")
    }
}

/// Standard output could not be written.
struct OutputError: Error, CustomStringConvertible {
    let code: Int32

    var description: String {
        "standard output cannot be written (\(String(cString: strerror(code)))); redirect it elsewhere"
    }
}
