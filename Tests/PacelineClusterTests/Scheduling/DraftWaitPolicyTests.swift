import PacelineSpeculation
import Testing

@testable import PacelineCluster

@Suite("The draft wait policy")
struct DraftWaitPolicyTests {
    private func at(_ milliseconds: Double) -> Instant {
        .zero + .fromMilliseconds(milliseconds)
    }

    /// When a pass that is ready at 0 starts at the latest, asked at 1 ms; nil if at once.
    private func deadline(
        expected: Double = 1,
        cost: Double = 40,
        _ predictions: [(due: Double, gain: Double)],
        now: Double = 1
    ) -> Instant? {
        DraftWaitPolicy(maximumWait: .milliseconds(35)).deadline(
            expected: expected,
            cost: cost,
            predictions: predictions.map { DraftArrivalPredictor.Prediction(due: at($0.due), gain: $0.gain) },
            ready: .zero,
            now: at(now)
        )
    }

    @Test("waits exactly if the gain is worth twice the tokens that the wait costs")
    func pays() {
        for gain in [0.05, 0.2, 0.5, 1, 3] {
            for cost in [1.0, 10, 40, 200] {
                for expected in [1.0, 2, 5] {
                    for wait in [0.5, 2, 8, 30] {
                        let waits = deadline(expected: expected, cost: cost, [(1 + wait, gain)]) != nil
                        #expect(waits == (gain * cost > 2 * expected * wait))
                    }
                }
            }
        }
    }

    @Test("allows a delta to be a little late, but not the pass to start after the longest wait")
    func bounds() {
        #expect(deadline([(9, 1)]) == at(13))
        #expect(deadline([(2, 1)]) == at(3), "a millisecond at least")
        #expect(deadline(cost: 1_000, [(34, 1)]) == at(35))
        #expect(deadline(cost: 1_000, [(35, 1)]) == nil)
        #expect(deadline([(36, 1)], now: 35) == nil)
    }

    @Test("adds up the deltas of several sequences, and waits for the first that makes it worthwhile")
    func several() {
        #expect(deadline([(11, 0.3)]) == nil)
        #expect(deadline([(12, 0.4), (11, 0.3)]) == at(12 + 5.5))
        #expect(deadline([(12, 0.4), (3, 0.3)]) == at(4))
    }

    @Test("does not wait if there is nothing to gain")
    func nothing() {
        #expect(deadline([]) == nil)
        #expect(deadline(cost: 0, [(2, 1)]) == nil)
        #expect(deadline(expected: 0, [(2, 1)]) == nil)
    }
}
