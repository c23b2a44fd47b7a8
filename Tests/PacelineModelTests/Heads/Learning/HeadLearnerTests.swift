import PacelineModel
import Testing

@Suite("What a learning head does next")
struct HeadLearnerTests {
    private static let rule = {
        var rule = HeadLearner.Rule()
        (rule.leastRows, rule.leastHeldOutRows, rule.longestPatience) = (100, 20, 4)
        (rule.rowsPerStep, rule.epochs, rule.stepLimit, rule.margin) = (50, 2, 6, 0.1)
        return rule
    }()

    private func fill(_ received: Int, heldOut: Int = 20) -> HeadLearner.Fill {
        HeadLearner.Fill(received: received, training: min(received, 300), heldOut: heldOut)
    }

    /// Runs a round that begins now, and judges it.
    private func round(
        _ learner: inout HeadLearner,
        _ received: Int,
        steps: Int,
        _ candidate: Double
    ) -> HeadLearner.Verdict {
        #expect(learner.next(fill(received)) == .begin(steps: steps))
        for _ in 0..<steps {
            // Text that comes meanwhile waits.
            #expect(learner.next(fill(received + 1000)) == .train)
            learner.trained()
        }
        #expect(learner.next(fill(received)) == .measure)
        #expect(learner.next(fill(received)) == .measure)
        return learner.measured(present: 2, candidate: candidate)
    }

    @Test("it waits for enough text to learn from, and enough to measure with")
    func waiting() {
        var learner = HeadLearner(Self.rule)
        #expect(learner.next(fill(0)) == .wait)
        #expect(learner.next(fill(99)) == .wait)
        #expect(learner.next(fill(1000, heldOut: 19)) == .wait)
        #expect(learner.next(fill(100)) == .begin(steps: 4))
    }

    @Test("a candidate that is better by the margin is adopted, and the next round follows at once")
    func adopting() {
        var learner = HeadLearner(Self.rule)
        #expect(round(&learner, 100, steps: 4, 2.11) == .adopt)
        #expect(round(&learner, 100, steps: 4, 3) == .adopt)
    }

    @Test("a candidate that is not is dropped, and each time twice as much text must come before the next")
    func dropping() {
        var learner = HeadLearner(Self.rule)
        var received = 100
        for (factor, steps) in [(1, 4), (2, 6), (4, 6), (4, 6)] {
            #expect(round(&learner, received, steps: steps, factor == 1 ? 1.5 : 2.09) == .drop)
            let awaited = received + 100 * factor
            #expect(learner.next(fill(awaited - 1)) == .wait)
            received = awaited
        }
        #expect(round(&learner, received, steps: 6, 2.2) == .adopt)
        #expect(round(&learner, received, steps: 6, 2) == .drop)
        #expect(learner.next(fill(received + 100)) == .begin(steps: 6), "a gain ends the waiting")
    }

    @Test("a round that fails counts as one that brought nothing")
    func failing() {
        var learner = HeadLearner(Self.rule)
        #expect(learner.next(fill(100)) == .begin(steps: 4))
        learner.failed()
        #expect(learner.next(fill(199)) == .wait)
        #expect(learner.next(fill(200)) == .begin(steps: 6))
    }
}
