/// Reports how far loading is: to the parent with `--announce`, otherwise on a terminal.
final class LoadProgress: Sendable {
    private let line: ProgressLine
    private let service: ServiceOptions

    init(_ label: String, service: ServiceOptions) {
        line = ProgressLine(label, isShown: StandardError.isTerminal && !service.announce)
        self.service = service
    }

    /// `fraction` is 0 … 1.
    func update(_ fraction: Double) {
        line.update(fraction)
        // A parent that no longer listens is about to end this process.
        try? service.tell(.progress(fraction))
    }

    func clear() {
        line.clear()
    }
}
