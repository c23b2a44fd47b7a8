import Glibc

/// What people read while standard output carries the result.
enum StandardError {
    /// Whether a person is likely to watch.
    static var isTerminal: Bool { isatty(STDERR_FILENO) == 1 }

    /// Writes `message` as one line that begins with the program's name.
    ///
    /// - Parameter afterwards: adds where to look for the flags.
    static func sentence(_ message: String, afterwards: Bool = false) {
        let parts = message.split(whereSeparator: \.isNewline).map { String($0).trimmed }.filter { !$0.isEmpty }
        var line = "paceline: " + parts.joined(separator: " ")
        if afterwards {
            if line.hasSuffix(".") { line.removeLast() }
            line += "; --help shows the options"
        }
        write(line + "\n")
    }

    /// Writes as it is. What cannot be written to standard error can be told nowhere, so failure is ignored.
    static func write(_ text: String) {
        _ = FileDescriptorWriter.write(Array(text.utf8), to: STDERR_FILENO)
    }
}

extension String {
    /// Without spaces at both ends.
    fileprivate var trimmed: String {
        String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}
