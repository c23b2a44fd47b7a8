import Glibc

/// The terminal that `paceline top` draws on: without echo, on the screen beside the usual one.
struct TopTerminal: ~Copyable {
    private static let enter = "\u{1B}[?1049h\u{1B}[?25l"
    private static let leave = "\u{1B}[?25h\u{1B}[?1049l"

    private let before: termios

    /// Takes over the terminal until this value ends, which restores it.
    ///
    /// - Returns: nil if standard input or output is no terminal.
    init?() {
        var settings = termios()
        guard isatty(STDOUT_FILENO) == 1, tcgetattr(STDIN_FILENO, &settings) == 0 else { return nil }
        before = settings
        // Keys come at once and unseen. Ctrl-C is one of them, so that it cannot leave the terminal like this.
        settings.c_lflag &= ~tcflag_t(ICANON | ECHO | ISIG)
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &settings)
        Self.write(Self.enter)
    }

    deinit {
        Self.write(Self.leave)
        var settings = before
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &settings)
    }

    /// Columns and lines; those of a usual terminal if it does not tell.
    static var size: (width: Int, height: Int) {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else {
            return (80, 24)
        }
        return (Int(size.ws_col), Int(size.ws_row))
    }

    /// Replaces what is shown.
    func draw(_ lines: [String]) {
        // Each line is overwritten and then cleared to its end, which flickers less than clearing all first.
        Self.write("\u{1B}[H" + lines.map { $0 + "\u{1B}[K" }.joined(separator: "\r\n") + "\u{1B}[J")
    }

    /// Whether a key was pressed that ends the program: q, Q, Ctrl-C or Ctrl-D.
    func isEndAsked() -> Bool {
        var request = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
        var keys = [UInt8](repeating: 0, count: 64)
        guard poll(&request, 1, 0) > 0 else { return false }
        let count = read(STDIN_FILENO, &keys, keys.count)
        // The end of the input means that the terminal has gone.
        guard count > 0 else { return count == 0 || errno != EINTR }
        return keys[..<count].contains { [UInt8(ascii: "q"), UInt8(ascii: "Q"), 3, 4].contains($0) }
    }

    /// Ignores failure: whether the terminal has gone shows at the next key.
    private static func write(_ text: String) {
        _ = FileDescriptorWriter.write(Array(text.utf8), to: STDOUT_FILENO)
    }
}
