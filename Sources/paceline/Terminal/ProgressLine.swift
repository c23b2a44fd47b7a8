import Synchronization

/// One line on a terminal that shows the progress of a long job; silent if standard error is not a terminal.
final class ProgressLine: Sendable {
    private let label: String
    private let isShown: Bool
    private let shownPercent = Mutex(-1)

    init(_ label: String, isShown: Bool = StandardError.isTerminal) {
        self.label = label
        self.isShown = isShown
    }

    /// Shows the completed share, 0 … 1.
    func update(_ fraction: Double) {
        update(fraction, step: "")
    }

    /// Shows the completed share, 0 … 1, and the current step.
    func update(_ fraction: Double, step: String) {
        guard isShown else { return }
        let percent = Int(min(1, max(0, fraction)) * 100)
        let isNews = shownPercent.withLock { shown in
            defer { shown = max(shown, percent) }
            return percent > shown
        }
        if isNews { StandardError.write("\r\u{1B}[K\(label) \(percent) % \(step)") }
    }

    /// Removes the line.
    func clear() {
        if isShown, shownPercent.withLock({ $0 }) >= 0 { StandardError.write("\r\u{1B}[K") }
    }
}
