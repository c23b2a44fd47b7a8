import PacelineSpeculation

/// What a request's client expects, as one more drafter of its sequence: trusted as far as it has been right, like any
/// worker.
struct Prediction: Sendable {
    private let limits: TreeLimits
    private var drafter: PredictionDrafter
    private(set) var profile = WorkerProfile()
    /// What should come next.
    private(set) var tree: TokenTree
    /// Its nodes in all verdicts.
    private(set) var total = VerdictShare.none

    /// - Parameter generated: what the request goes on behind.
    init(_ tokens: [Token], generated: [Token], limits: TreeLimits) {
        self.limits = limits
        drafter = PredictionDrafter(tokens, text: generated)
        tree = drafter.tree(limits: limits)
    }

    /// Learns from a verdict and follows the text.
    ///
    /// - Parameters:
    ///   - committed: the verdict's tokens that count.
    ///   - share: its nodes in the verdict.
    mutating func commit(_ committed: [Token], _ verdict: Verdict, share: VerdictShare) {
        profile.learn(from: verdict, on: tree, isHeard: true, isJudged: false)
        total.verified += share.verified
        total.accepted += share.accepted
        drafter.follow(committed)
        tree = drafter.tree(limits: limits)
    }
}
