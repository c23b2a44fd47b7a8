import PacelineSpeculation

/// What the verifier remembers of the pass that is with the compute thread.
struct InFlightPass: Sendable {
    struct Entry: Sendable {
        var request: RequestID
        /// The tree under verification with its proposers; nil for a prefill.
        var tree: MergedTree?
        /// The workers on the board when the pass began: what the bits of `tree.proposers` mean.
        var workers: [LinkID]
        /// Rows that its round asked for.
        var rows: Int
    }

    var entries: [Entry]
    /// When the pass could have started.
    var ready: Instant
    /// What it is expected to take, in milliseconds.
    var expectedMilliseconds: Double
    /// Tokens that it is expected to emit, corrections included; nil if it computes prompts too.
    var expectedTokens: Double?

    /// Whether some tree is verified.
    var isDrafted: Bool {
        entries.contains { $0.tree?.tree.isEmpty == false }
    }

    /// Sequences that get a token.
    var decoding: Int {
        entries.count { $0.tree != nil }
    }

    /// Rows that were computed: less than was asked for where tokens were in the cache already.
    func rows(_ outcomes: [RoundOutcome]) -> Int {
        zip(entries, outcomes).reduce(0) { $0 + $1.1.rows(of: $1.0.rows) }
    }
}
