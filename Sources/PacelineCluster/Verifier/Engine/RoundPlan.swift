import PacelineSpeculation

/// What a sequence would do in a pass that starts now.
struct RoundPlan: Sendable {
    enum Work: Sendable {
        /// Compute so many tokens of the prompt; 0 where the pass has no rows left for it.
        case prefill(Int)
        /// Verify the tree, empty for plain decoding.
        case verify(MergedTree)
    }

    var request: RequestID
    var work: Work

    var tree: MergedTree? {
        if case .verify(let tree) = work { tree } else { nil }
    }

    /// The round as the engine gets it; nil if there is nothing to compute.
    var round: Round? {
        switch work {
        case .prefill(0): nil
        case .prefill(let count): Round(request: request, work: .prefill(count: count))
        case .verify(let tree): Round(request: request, work: .verify(tree.tree))
        }
    }
}

/// What the next pass would be if it started now.
struct PassPlan: Sendable {
    var rounds: [RoundPlan]
    /// Expected tokens of the pass, corrections included.
    var expectedTokens: Double
    /// Expected milliseconds of the pass.
    var milliseconds: Double
    /// Expected milliseconds of the pass without any drafted node.
    var plainMilliseconds: Double

    /// Whether some round cannot gain from waiting for drafts.
    var isUrgent: Bool {
        rounds.contains { $0.tree == nil }
    }
}
