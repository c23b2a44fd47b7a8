import PacelineSpeculation

/// Decides whether a pass that could start now should wait for drafts that are on their way.
///
/// Starting now yields E expected tokens in T milliseconds. Waiting w for a delta that adds G yields E + G in T + w,
/// which is the better rate if G × T > E × w. But a delta that misses this pass is not lost: most of it serves the
/// next. So G must be worth `margin` times as much. The wait is bounded in any case, counted from when the pass could
/// have started, so that no fault of a worker delays a token by more.
struct DraftWaitPolicy: Sendable {
    /// By simulation: 1 is a few per cent slower wherever drafts are frequent, and above 3 nothing is waited for.
    private static let margin = 2.0

    /// The longest wait.
    let maximumWait: Duration

    /// Until when to wait, unless something arrives before; nil to start now.
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
