/// Decides whether a pass that could start now should wait for drafts that are on their way.
///
/// Starting now yields E expected tokens in T milliseconds. Waiting w for a delta that adds G yields E + G in T + w.
/// Waiting pays while the second rate is higher; it is bounded in any case, counted from when the pass could have
/// started, so that no fault of a worker delays a token by more.
struct Patience: Sendable {
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
        predictions: [DraftPace.Prediction],
        ready: Instant,
        now: Instant
    ) -> Instant? {
        let limit = ready + maximumWait
        guard now < limit, cost > 0, expected > 0 else { return nil }
        var gain = 0.0
        for prediction in predictions.sorted(by: { $0.due < $1.due }) where prediction.due < limit {
            gain += prediction.gain
            let wait = (prediction.due - now).inMilliseconds
            if gain * cost > expected * wait {
                // A delta that is a little late is still worth having.
                return min(limit, max(prediction.due, now) + .fromMilliseconds(max(1, wait / 2)))
            }
        }
        return nil
    }
}
