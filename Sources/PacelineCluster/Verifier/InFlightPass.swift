import PacelineSpeculation

/// What the verifier remembers of the pass that is with the compute thread.
struct InFlightPass: Sendable {
    struct Entry: Sendable {
        var request: RequestID
        /// The tree under verification with its proposers; nil for a prefill.
        var tree: MergedTree?
        /// The workers on the board when the pass began: what the bits of `tree.proposers` mean.
        var workers: [LinkID]
    }

    var entries: [Entry]
    var rows: Int
}
