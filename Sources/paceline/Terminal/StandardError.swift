import Glibc

/// Messages for people; standard output carries only the result.
enum StandardError {
    /// Whether a person is likely to be watching.
    static var isTerminal: Bool { isatty(STDERR_FILENO) == 1 }

    /// Writes `message` as one line that begins with the program's name.
    ///
    /// - Parameter afterwards: whether to point to `--help` at the end.
    static func sentence(_ message: String, afterwards: Bool = false) {
        let parts = message.split(whereSeparator: \.isNewline).map { String($0).trimmed }.filter { !$0.isEmpty }
        var line = "paceline: " + parts.joined(separator: " ")
        if afterwards {
            if line.hasSuffix(".") { line.removeLast() }
            line += "; --help shows the options"
        }
        write(line + "\n")
    }

    /// Writes text unchanged. Ignores failure, since there is no other place to report it.
    static func write(_ text: String) {
        _ = FileDescriptorWriter.write(Array(text.utf8), to: STDERR_FILENO)
    }
}

extension String {
    /// Without leading and trailing spaces.
    fileprivate var trimmed: String {
        String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}
