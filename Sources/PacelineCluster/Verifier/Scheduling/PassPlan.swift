import PacelineSpeculation

/// A pass as it was planned: what it computes, and what is expected of it. While the compute thread has it, this is
/// what the verifier remembers of it.
struct PassPlan: Sendable {
    /// Sequences that the engine holds, but that no longer run.
    var closings: [RequestID] = []
    /// Sequences of the rounds that the engine does not hold yet.
    var openings: [RequestID] = []
    /// What the pass computes, in the order of admission.
    var rounds: [Round] = []
    /// The tree that is verified, for each sequence that gets a token.
    var trees = SortedTable<RequestID, MergedTree>()
    /// When the pass could have started.
    var ready: Instant
    /// Tokens that the pass should emit, corrections included.
    var expectedTokens: Double
    /// Milliseconds that the pass should take.
    var milliseconds: Double
    /// Milliseconds that it should take without any drafted node.
    var plainMilliseconds: Double
    /// Whether some sequence's prompt is not computed yet. Such a sequence cannot gain from waiting for drafts.
    var hasPrompts: Bool

    /// Whether some tree has nodes.
    var isDrafted: Bool {
        trees.values.contains { !$0.tree.isEmpty }
    }

    /// Milliseconds by which the drafts prolong the pass, which delays its tokens as waiting does.
    var overrun: Double {
        max(0, milliseconds - plainMilliseconds)
    }

    /// Rows that were computed: fewer than planned where the cache already held some of the tokens.
    func rows(_ outcomes: [RoundOutcome]) -> Int {
        zip(rounds, outcomes).reduce(0) { $0 + $1.1.rows(of: $1.0.rows) }
    }
}
