/// What a head that goes on learning does next: collects texts, trains a candidate for a round of steps, measures it
/// beside the present head on texts that neither has learned from, and keeps the better.
///
/// It only decides. Rounds follow one another while they gain; after one that does not, more text must come, twice as
/// much each time.
package struct HeadLearner: Equatable, Sendable {
    /// When a round begins and ends, and what it must bring. The numbers were chosen, not measured.
    package struct Rule: Equatable, Sendable {
        /// Rows to learn that must have come before the first round, and after one that has brought nothing.
        package var leastRows = 4096
        /// Rows to measure with that there must be.
        package var leastHeldOutRows = 512
        /// By how much `leastRows` may have grown.
        package var longestPatience = 16
        /// Rows of a step.
        package var rowsPerStep = 512
        /// How often a round learns each row, if `stepLimit` allows it.
        package var epochs = 2
        package var stepLimit = 64
        /// Tokens a round of drafting by which a candidate must be better, so that chance alone seldom is.
        package var margin = 0.02

        package init() {}
    }

    /// How much text there is.
    package struct Fill: Equatable, Sendable {
        /// Rows to learn that have ever come.
        package var received: Int
        /// Rows to learn that are there.
        package var training: Int
        /// Rows to measure with.
        package var heldOut: Int

        package init(received: Int, training: Int, heldOut: Int) {
            (self.received, self.training, self.heldOut) = (received, training, heldOut)
        }
    }

    package enum Action: Equatable, Sendable {
        /// Nothing, until more text comes.
        case wait
        /// Start a candidate: the round has this many steps.
        case begin(steps: Int)
        /// Train the candidate for a step, and report it by ``trained()``.
        case train
        /// Measure both, and report it by ``measured(present:candidate:)``.
        case measure
    }

    package enum Verdict: Equatable, Sendable {
        /// The candidate is the present head from now on.
        case adopt
        case drop
    }

    private enum Phase: Equatable {
        case collecting
        case training(left: Int)
        case measuring
    }

    package let rule: Rule
    private var phase = Phase.collecting
    /// Rows that must have been received for the next round.
    private var awaited: Int
    private var patience = 1
    /// Rows that had been received when the round began.
    private var begun = 0

    package init(_ rule: Rule = Rule()) {
        self.rule = rule
        awaited = rule.leastRows
    }

    package mutating func next(_ fill: Fill) -> Action {
        switch phase {
        case .collecting:
            guard fill.received >= awaited, fill.training > 0, fill.heldOut >= rule.leastHeldOutRows else {
                return .wait
            }
            let steps = fill.training * rule.epochs / rule.rowsPerStep
            phase = .training(left: max(1, min(rule.stepLimit, steps)))
            begun = fill.received
            return .begin(steps: max(1, min(rule.stepLimit, steps)))
        case .training(let left): return left > 0 ? .train : .measure
        case .measuring: return .measure
        }
    }

    /// A step has been made.
    package mutating func trained() {
        guard case .training(let left) = phase else { return }
        phase = left > 1 ? .training(left: left - 1) : .measuring
    }

    /// Judges a candidate by both mean acceptance lengths.
    package mutating func measured(present: Double, candidate: Double) -> Verdict {
        guard candidate >= present + rule.margin else {
            failed()
            return .drop
        }
        (phase, patience) = (.collecting, 1)
        // What it gained on the same texts it may gain once more.
        awaited = begun
        return .adopt
    }

    /// The round has brought nothing, or could not be finished.
    package mutating func failed() {
        phase = .collecting
        awaited = begun + rule.leastRows * patience
        patience = min(rule.longestPatience, patience * 2)
    }
}
