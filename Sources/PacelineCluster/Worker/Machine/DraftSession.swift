import PacelineSpeculation
import PacelineWire

/// One request that a worker drafts for: what its verifier has said, and what the worker has told the verifier and the
/// compute thread.
struct DraftSession: Sendable {
    /// How much of a large round is remembered after one more round.
    private static let fading = 0.98
    /// The tree grows as if this many rounds were verified at once: at a long round trip several verdicts are on their
    /// way.
    private static let roundsAhead = 4.0
    private static let leastVerified = 32
    /// So many rows of features are worth a turn of their own: a head reads a long prompt while the target does.
    private static let notableRows = 256

    /// What the compute thread has not been told yet.
    private struct Untold {
        /// Nil once the thread has it.
        var opening: DraftJob.Opening?
        var committed: [Token] = []
        /// Nodes that are being verified.
        var verifying: TokenTree?
        var features = FeatureBlocks()
        /// Whether the features are worth a turn, though the base has not moved.
        var areFeaturesAwaited = false

        /// Whether it gives the thread another base.
        var movesBase: Bool { opening != nil || !committed.isEmpty }
    }

    let id: DraftSessionID
    let link: LinkID
    /// The verifier's name for it on that link.
    let request: UInt64
    /// What others call it; nil if the verifier does not say.
    let tag: RequestTag?
    private let lengthLimit: Int
    /// Limits that the receiver of the tree enforces.
    private let treeLimits: TreeLimits
    /// What the verifier last said.
    private var terms: DraftTerms

    /// The present base.
    private(set) var mark: BaseMark
    private var untold: Untold
    /// The base at which the compute thread's tree is rooted, or will be after its present turn.
    private var drafted: BaseMark
    /// How many nodes of that tree the verifier has been sent.
    private var sent = 0
    /// The most nodes that a recent round has verified, fading with each round; nil before the first.
    private var roundNodes: Double?
    /// No step pays before the next verdict, and the verifier knows.
    private var isExhausted = false

    init(_ open: Message.Open, id: DraftSessionID, link: LinkID, vocabularySize: Int) {
        self.id = id
        self.link = link
        request = open.request
        tag = RequestTag(open)
        lengthLimit = open.lengthLimit
        mark = BaseMark(epoch: open.epoch, length: open.base.count, hash: open.baseHash)
        drafted = mark
        terms = DraftTerms(credit: open.credit, limits: open.limits, shard: open.shard, rest: open.rest)
        treeLimits = TreeLimits(
            nodes: WireLimits.treeNodes,
            depth: WireLimits.treeDepth,
            vocabularySize: vocabularySize
        )
        untold = Untold(
            opening: DraftJob.Opening(
                base: open.base,
                sampling: open.sampling,
                constraint: open.constraint,
                limits: treeLimits
            )
        )
    }

    /// Whether the compute thread has something to do for the session. Without credit there is nothing to do, not even
    /// following the base. A worker that may not draft takes no processor time, and catches up when it may again.
    var wantsTurn: Bool {
        guard terms.credit > 0 else { return false }
        return untold.movesBase || untold.areFeaturesAwaited
            || (!isExhausted && policy.nodes > sent && policy.depth > 0)
    }

    /// Why the verifier asks for nothing; nil if it asks for something.
    var rest: DraftRestReason? { terms.credit == 0 ? terms.rest : nil }

    /// The next turn, which counts as begun.
    mutating func takeTurn(_ settings: DraftSettings) -> DraftJob.Turn {
        defer {
            if untold.movesBase, !PlantedBug.sentNodesNotReset.isPlanted { sent = 0 }
            untold = Untold()
            drafted = mark
        }
        var policy = policy
        policy.batch = settings.batch
        policy.minimumGain = settings.minimumGain
        policy.minimumProbability = max(settings.minimumProbability, terms.limits.minimumProbability)
        policy.planner = settings.planner
        return DraftJob.Turn(
            session: id,
            opening: untold.opening,
            committed: untold.committed,
            features: untold.features.blocks,
            verifying: untold.verifying,
            policy: policy
        )
    }

    /// The verifier is verifying nodes: they need no more siblings, only a tree below them.
    mutating func follow(_ message: Message.Verifying) {
        let root = BaseMark(epoch: message.epoch, length: message.baseLength, hash: message.baseHash)
        // Verdicts and announcements come in order, so an announcement for another base is out of date.
        guard root == mark else { return }
        var outgoing = TokenTree(limits: treeLimits)
        for node in message.nodes {
            // The decoder has checked parents, depths and siblings.
            _ = try? outgoing.append(.init(parent: node.parent, token: node.token, logProbability: 0))
        }
        roundNodes = max(Double(outgoing.count), (roundNodes ?? 0) * Self.fading)
        untold.verifying = outgoing
        isExhausted = false
    }

    /// The target's features of committed tokens have come.
    ///
    /// Mostly they belong to tokens that the next verdict commits, and wait for it. But with the last base token but
    /// one a head has all that it needs to draft, which it could not before.
    ///
    /// Rows are kept once, and those of tokens that the next verdict cannot commit not at all. So there are hardly more
    /// of them than tokens of the base.
    mutating func take(_ block: FeatureBlock) {
        guard block.end <= mark.length + treeLimits.depth + 1 else { return }
        untold.features.append(block)
        let isBaseKnown = block.position < mark.length - 1 && block.end >= mark.length - 1
        guard isBaseKnown || untold.features.rowCount >= Self.notableRows else { return }
        untold.areFeaturesAwaited = true
        isExhausted = false
    }

    /// The verifier has committed tokens.
    ///
    /// - Returns: what is wrong with the verdict; the session is then unchanged.
    mutating func follow(_ verdict: Message.Verdict) -> LinkFault? {
        let next = mark.advanced(by: verdict.tokens)
        let told = BaseMark(epoch: verdict.epoch, length: verdict.baseLength, hash: verdict.baseHash)
        guard next == told else {
            return .violation("a verdict leads to \(told), but by its tokens it leads to \(next)")
        }
        mark = next
        if PlantedBug.committedTokensForgotten.isPlanted { untold.committed = [] }
        untold.committed += verdict.tokens
        untold.verifying = nil
        terms.credit = verdict.credit
        terms.limits = verdict.limits ?? terms.limits
        terms.shard = verdict.shard ?? terms.shard
        terms.rest = verdict.rest
        isExhausted = false
        return nil
    }

    /// The message that tells the verifier what a turn brought; nil if there is nothing to tell.
    ///
    /// A verdict may have come during the turn. The nodes then hang below an old base, and the verifier can still use
    /// them: it walks the committed tokens down the tree.
    mutating func report(_ outcome: DraftResult.Outcome) -> Message.Tree? {
        switch outcome {
        case .failed: return nil
        case .restarted(let nodes, let isFinal):
            if !PlantedBug.sentNodesNotReset.isPlanted { sent = 0 }
            return report(nodes, isFinal: isFinal)
        case .grew(let nodes, let isFinal):
            guard !nodes.isEmpty || isFinal else { return nil }
            return report(nodes, isFinal: isFinal)
        }
    }

    private mutating func report(_ nodes: [TokenTree.Node], isFinal: Bool) -> Message.Tree {
        let isCurrent = drafted == mark
        let root = PlantedBug.treeMisnamed.isPlanted ? mark : drafted
        // A head that is about to read what has just come may then have something to propose.
        isExhausted = isFinal && isCurrent && !untold.areFeaturesAwaited
        defer { sent += nodes.count }
        return Message.Tree(
            request: request,
            epoch: root.epoch,
            baseLength: root.length,
            baseHash: root.hash,
            firstNode: sent,
            nodes: nodes,
            isFinal: isExhausted
        )
    }

    /// Bounds for the tree at the present base.
    private var policy: GrowthPolicy {
        let given = min(terms.credit, terms.limits.nodes)
        let nodes = PlantedBug.creditOverdrawn.isPlanted ? 2 * given + 8 : given
        // The verdict that ends the request brings one token more than it accepts.
        let depth = min(terms.limits.depth, lengthLimit - mark.length - 1)
        return GrowthPolicy(
            nodes: depth > 0 ? nodes : 0,
            verified: roundNodes.map { min(nodes, max(Self.leastVerified, Int(Self.roundsAhead * $0))) } ?? nodes,
            depth: max(0, depth),
            width: terms.limits.width,
            shard: terms.shard
        )
    }
}
