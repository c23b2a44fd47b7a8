/// A model of one verifier and its workers, to predict what other workers would bring.
///
/// It takes what the planner goes by (the cost curve, the policy, how often the target takes a drafter's tokens) and
/// how fast drafts come, and runs rounds in virtual time: workers take turns between their sequences, and a pass
/// verifies what has arrived. A tree is known only by how far it covers the target's own text, since nothing else of it
/// is ever accepted. Whether the target takes a token does not depend on the tokens before it.
package struct DraftingModel: Sendable, Hashable {
    /// What a worker drafts with.
    package struct Drafter: Sendable, Hashable {
        /// By rank among siblings: the share of the target's tokens that are the drafter's child of that rank.
        package var shares: [Double]
        /// Of one turn of a worker.
        package var stepMilliseconds: Double
        /// From a verdict to the first turn after it, and from a turn to the verifier, together.
        package var roundTripMilliseconds: Double

        package init(shares: [Double], stepMilliseconds: Double, roundTripMilliseconds: Double) {
            self.shares = shares
            self.stepMilliseconds = stepMilliseconds
            self.roundTripMilliseconds = roundTripMilliseconds
        }
    }

    package struct Worker: Sendable, Hashable {
        /// An index in ``DraftingModel/drafters``.
        package var drafter: Int
        /// The sequences that it drafts for, from 0.
        package var sequences: [Int]

        package init(drafter: Int, sequences: [Int]) {
            (self.drafter, self.sequences) = (drafter, sequences)
        }
    }

    package var costs: CostCurve
    package var policy: PlanningPolicy
    /// By how much a pass may be longer for the sake of its nodes.
    package var extraMilliseconds: Double
    /// Levels and children of a node that workers are asked for.
    package var depth: Int
    package var width: Int
    package var drafters: [Drafter]

    package init(
        costs: CostCurve,
        policy: PlanningPolicy,
        extraMilliseconds: Double,
        depth: Int,
        width: Int,
        drafters: [Drafter]
    ) {
        self.costs = costs
        self.policy = policy
        self.extraMilliseconds = extraMilliseconds
        self.depth = depth
        self.width = width
        self.drafters = drafters
    }

    /// Rounds of all sequences together; more would make the result steadier, and take longer.
    private static let rounds = 6_000
    private static let passes = 60...600

    /// The tokens that all sequences get in a second, as long as they run. The same numbers for the same input; the
    /// texts of two calls agree, so that their difference shows what else differs.
    package func tokensPerSecond(sequences: Int, workers: [Worker]) -> Double {
        guard sequences > 0 else { return 0 }
        let passes = min(max(Self.rounds / sequences, Self.passes.lowerBound), Self.passes.upperBound)
        var run = DraftingRun(self, sequences: sequences, workers: workers)
        // The first trees come late.
        run.run(passes: passes / 4)
        let (start, before) = (run.now, run.tokens)
        run.run(passes: passes)
        let milliseconds = run.now - start
        return milliseconds > 0 ? (run.tokens - before) / milliseconds * 1000 : 0
    }
}
