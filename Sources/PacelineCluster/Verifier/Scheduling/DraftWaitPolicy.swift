import PacelineSpeculation

/// Decides whether a pass that could start now should wait for drafts that are on their way.
///
/// Starting now yields E expected tokens in T milliseconds. Waiting w for a delta that adds G yields E + G in T + w,
/// which is the better rate if G × T > E × w. But most of a delta that misses this pass serves the next one, so G must
/// be worth `margin` times as much. The wait is bounded from when the pass could have started, so that no fault of a
/// worker delays a token by more.
struct DraftWaitPolicy: Sendable {
    /// From simulation: with 1, frequent drafts are a few per cent slower; above 3 no pass ever waits.
    private static let margin = 2.0

    /// The longest wait.
    let maximumWait: Duration

    /// Until when to wait if nothing arrives before; nil to start now.
    ///
    /// - Parameters:
    ///   - expected: expected tokens of the pass if it starts now, corrections included.
    ///   - cost: milliseconds of the pass.
    ///   - predictions: the next delta of each sequence that may get one.
    ///   - ready: when the pass could have started.
    func deadline(
        expected: Double,
        cost: Double,
        predictions: [DraftArrivalPredictor.Prediction],
        ready: Instant,
        now: Instant
    ) -> Instant? {
        let limit = ready + maximumWait
        guard now < limit, cost > 0, expected > 0 else { return nil }
        var gain = 0.0
        for prediction in predictions.sorted(by: { $0.due < $1.due }) where prediction.due < limit {
            gain += prediction.gain
            let wait = (prediction.due - now).inMilliseconds
            if gain * cost > Self.margin * expected * wait {
                // A delta that is a little late is still worth having.
                return min(limit, max(prediction.due, now) + .fromMilliseconds(max(1, wait / 2)))
            }
        }
        return nil
    }
}
