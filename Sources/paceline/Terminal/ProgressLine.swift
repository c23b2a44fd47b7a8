import Synchronization

/// One line on a terminal that says how far a long job is; silent where standard error is no terminal.
final class ProgressLine: Sendable {
    private let label: String
    private let isShown: Bool
    private let shownPercent = Mutex(-1)

    init(_ label: String, isShown: Bool = StandardError.isTerminal) {
        self.label = label
        self.isShown = isShown
    }

    /// Shows the share that is done, 0 … 1.
    func update(_ fraction: Double) {
        update(fraction, step: "")
    }

    /// Shows the share that is done, 0 … 1, and what is being done.
    func update(_ fraction: Double, step: String) {
        guard isShown else { return }
        let percent = Int(min(1, max(0, fraction)) * 100)
        let isNews = shownPercent.withLock { shown in
            defer { shown = max(shown, percent) }
            return percent > shown
        }
        if isNews { StandardError.write("\r\u{1B}[K\(label) \(percent) % \(step)") }
    }

    /// Takes the line away.
    func clear() {
        if isShown, shownPercent.withLock({ $0 }) >= 0 { StandardError.write("\r\u{1B}[K") }
    }
}
