package import PacelineSpeculation

/// One round of a request as it went, for people who look: what was drafted, verified and accepted, and when.
///
/// It says nothing that a decision depends on, and nothing reads it but traces and the dashboard.
package struct RoundRecord: Sendable, Equatable {
    package enum Work: Sendable, Equatable {
        /// Tokens of the prompt that were computed, and those that were in the cache.
        case prefill(computed: Int, reused: Int)
        /// Nodes that were verified and accepted, and the tokens that the base gained.
        case verify(verified: Int, accepted: Int, tokens: [Token])
    }

    /// What one worker had proposed below the base when the pass began.
    package struct Draft: Sendable, Equatable {
        package var worker: LinkID
        package var drafter: String
        /// Nodes of its tree, verified or not.
        package var nodes: Int
        /// When it last added to its tree since the round before; nil if it did not.
        package var arrival: Instant?
    }

    package var request: RequestID
    /// Counts the rounds of the request, from 1.
    package var number: Int
    package var work: Work
    /// Committed tokens before the round, prompt included.
    package var length: Int
    /// When the pass could have begun, when it did, and when its outcomes were known.
    package var ready: Instant
    package var began: Instant
    package var ended: Instant
    package var cost: PassCost
    package var drafts: [Draft]
    /// Nil unless somebody watches, and in rounds that follow too soon upon one that has it.
    package var tree: RoundTree?
}

/// What a pass took: the same for all its rounds.
package struct PassCost: Sendable, Equatable {
    /// Rows that were computed, for all sequences.
    package var rows: Int
    package var sequences: Int
    /// Time of the compute thread.
    package var milliseconds: Double
    /// The part of it that went into choosing tokens from logits; nil if the engine does not say.
    package var samplingMilliseconds: Double?
}

/// The tree of a round with the fate of each node: a picture of at most ``nodeLimit`` nodes.
package struct RoundTree: Sendable, Equatable {
    package enum Fate: String, Sendable, Equatable {
        /// Verified, and the target took it.
        case accepted
        /// Verified, and the target took another token, or never came to it.
        case rejected
        /// Drafted, but not worth its place in the pass.
        case unverified
    }

    package struct Node: Sendable, Equatable {
        /// Index of the node that it follows, below its own; nil for a child of the base.
        package var parent: Int?
        package var token: Token
        /// What the verifier believed: that the target takes the token once it comes to the parent.
        package var probability: Double
        package var fate: Fate
        /// A bit for each worker that proposed it, by its place in ``RoundTree/workers``.
        package var proposers: UInt64
    }

    /// More nodes make no picture that anybody could read.
    package static let nodeLimit = 96

    package var nodes: [Node]
    /// Nodes beyond the limit: the least probable of those that were not verified.
    package var omitted: Int
    package var workers: [LinkID]
    /// The target's own token after the accepted path.
    package var correction: Token
}

extension RoundTree {
    /// - Parameters:
    ///   - drafts: everything that was drafted when the pass began.
    ///   - verified: the part that was verified, which the verdict is about.
    init(_ drafts: MergedTree, verified: MergedTree, _ verdict: Verdict) {
        let accepted = Set(verdict.path)
        var fates = [Fate](repeating: .unverified, count: drafts.tree.count)
        var places: [NodeIndex?] = []
        for (index, node) in verified.tree.enumerated() {
            let place = drafts.tree.child(of: node.parent.flatMap { places[$0] }, token: node.token)
            if let place { fates[place] = accepted.contains(index) ? .accepted : .rejected }
            places.append(place)
        }
        let shown = Self.shown(drafts, fates)
        var numbers = [Int?](repeating: nil, count: drafts.tree.count)
        nodes = []
        for index in shown {
            let parent = drafts.tree.parent(of: index)
            numbers[index] = nodes.count
            nodes.append(
                Node(
                    parent: parent.flatMap { numbers[$0] },
                    token: drafts.tree.token(of: index),
                    probability: drafts.probabilities[index],
                    fate: fates[index],
                    proposers: drafts.proposers[index]
                )
            )
        }
        omitted = drafts.tree.count - shown.count
        workers = drafts.workers
        correction = verdict.correction
    }

    /// The nodes to show, ascending: the verified ones first, then the most probable; no node without its parent.
    private static func shown(_ drafts: MergedTree, _ fates: [Fate]) -> [NodeIndex] {
        guard drafts.tree.count > nodeLimit else { return Array(drafts.tree.indices) }
        // A verified node ranks above every other one, and no node above its parent, which has the lower index.
        var ranks: [Double] = []
        for index in drafts.tree.indices {
            let above = drafts.tree.parent(of: index).map { ranks[$0] } ?? 2
            let own = fates[index] == .unverified ? min(above, 1) * drafts.probabilities[index] : above
            ranks.append(own)
        }
        let best = drafts.tree.indices.sorted { ranks[$0] != ranks[$1] ? ranks[$0] > ranks[$1] : $0 < $1 }
        return best.prefix(nodeLimit).sorted()
    }
}
