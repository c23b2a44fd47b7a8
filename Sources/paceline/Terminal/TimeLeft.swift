import PacelineSpeculation

/// How long a job will go on, judged by how long its parts have taken.
struct TimeLeft {
    private let start = ContinuousClock.now

    /// In words: "2 min left"; empty as long as nobody can know.
    ///
    /// - Parameter share: the part that is done, 0 … 1.
    func text(_ share: Double) -> String { Self.text(share, elapsed: start.duration(to: .now)) }

    static func text(_ share: Double, elapsed: Duration) -> String {
        guard share > 0.005, share <= 1 else { return "" }
        let seconds = elapsed.inMilliseconds / 1000 * (1 - share) / share
        switch seconds {
        case ..<90: return "\(Int(seconds.rounded(.up))) s left"
        case ..<5400: return "\(Int((seconds / 60).rounded(.up))) min left"
        default: return "\((seconds / 3600).formatted(decimals: 1)) h left"
        }
    }
}
