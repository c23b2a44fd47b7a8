import PacelineSpeculation

/// What a verifier has learned of one worker's drafting.
struct WorkerProfile: Sendable {
    /// Right verdicts after which calibration is less exact than the remaining doubt.
    private static let acquaintance = 10

    /// What the worker's reported confidence is worth.
    private var calibration = Calibration()
    /// What its drafting is worth.
    private(set) var performance = WorkerYield()
    /// How deep and how wide its trees are useful.
    private(set) var shape = TreeShapeRecord()
    /// How often its first choices are right, its second, and so on.
    private(set) var ranked = RankedAcceptance()
    /// How fast it drafts.
    var pace = DraftPace()
    /// Counts what was learned about probabilities.
    private(set) var revision = 0

    init() {}

    /// - Parameter doubt: that of the worker's address.
    init(doubt: Int) {
        performance = WorkerYield(doubt: doubt)
    }

    /// The worker was dismissed: if it comes back, it rests until it has proven itself.
    mutating func distrust() {
        performance.distrust()
    }

    /// Whether the target has ever taken a token of the worker's trees. No pass waits for a worker before.
    var isProven: Bool { shape.agreements > 0 }

    /// Learns from a verdict, whether or not it was about this worker's nodes.
    ///
    /// - Parameters:
    ///   - tree: the worker's own, below the base that the verdict was about.
    ///   - isHeard: whether the worker has sent anything since it was last given credit.
    ///   - isJudged: whether the verdict counts for the worker's ``performance``.
    mutating func learn(from verdict: Verdict, on tree: TokenTree, isHeard: Bool, isJudged: Bool) {
        if !tree.isEmpty {
            calibration.learn(from: verdict, on: tree)
            shape.record(verdict.tokens, on: tree)
            ranked.learn(verdict.tokens, on: tree)
            revision += 1
        }
        guard isJudged else { return }
        let agreed = tree.descend(verdict.tokens).count
        performance.record(agreed: agreed, nodes: tree.count, isHeard: isHeard)
    }

    /// For each node of a tree of the worker, the probability that the target takes its token, given that it comes to
    /// its parent.
    ///
    /// This is what the worker reports, calibrated. But while the worker has never been right, the children of a node
    /// together get even odds at most. Each verdict that finds it right halves the remaining doubt. So a worker that is
    /// certain of wrong tokens cannot have a long tree verified.
    func probabilities(of tree: TokenTree) -> [Double] {
        let believed = tree.indices.map { node in
            calibration.probability(logProbability: tree[node].logProbability, depth: tree.depth(of: node))
        }
        return tree.limiting(believed, ofSiblings: trust)
    }

    /// Whether any path of a tree of the worker may be more probable than `price`. None is more probable than its first
    /// node, so a look at the children of the base is enough.
    func mayExceed(_ price: Double, in tree: TokenTree) -> Bool {
        tree.children(of: nil).contains { node in
            calibration.probability(logProbability: tree[node].logProbability, depth: 1) > price
        }
    }

    private var trust: Double {
        let isKnown = shape.agreements >= Self.acquaintance || PlantedBug.confidenceTrusted.isPlanted
        return isKnown ? 1 : 1 - 1 / Double(2 << shape.agreements)
    }
}

/// What is known of workers that are not connected at present, so that one that comes back need not start from nothing.
/// Bounded: the one that left first is forgotten first.
struct ProfileArchive: Sendable {
    private static let limit = 128

    private var entries: [(incarnation: UInt64, profile: WorkerProfile)] = []

    var count: Int { entries.count }

    mutating func keep(_ profile: WorkerProfile, of incarnation: UInt64) {
        entries.removeAll { $0.incarnation == incarnation }
        if entries.count == Self.limit { entries.removeFirst() }
        entries.append((incarnation, profile))
    }

    /// Hands out what is known of a worker's process life; a `stranger`'s profile if nothing is.
    mutating func take(_ incarnation: UInt64, stranger: WorkerProfile = WorkerProfile()) -> WorkerProfile {
        guard let index = entries.firstIndex(where: { $0.incarnation == incarnation }) else {
            return stranger
        }
        return entries.remove(at: index).profile
    }
}
