import PacelineSpeculation
import PacelineWire

/// How deep and how wide one worker's trees have been useful, which is how deep and wide it is asked to draft.
///
/// Depth follows the longest run of committed tokens that lay on its tree, with room for longer ones and for the rounds
/// under way. Width follows the rank among its siblings of the token that was taken. If that is never the fourth child,
/// the worker drafts one child more than were taken.
struct TreeShapeRecord: Sendable {
    /// The share of the memory that is left after another verdict.
    private static let fading = 0.97
    private static let leastDepth = 4
    /// How many times deeper than the longest agreement trees should be.
    private static let reach = 4.0
    /// A rank is useful if at least this share of the tokens that were found on the tree had it.
    private static let leastShare = 0.02
    private static let trial = 24.0

    private var longest: Double?
    /// By rank among siblings: fading counts of tokens that were taken.
    private var ranks: [Double] = []
    /// Verdicts that the worker had a tree for.
    private(set) var verdicts = 0
    /// Those of them whose first token was on the tree.
    private(set) var agreements = 0

    /// Learns from the tokens of a verdict, and the worker's tree below the base it was given for.
    mutating func record(_ tokens: [Token], on tree: TokenTree) {
        guard !tree.isEmpty else { return }
        verdicts += 1
        let path = tree.descend(tokens)
        if !path.isEmpty { agreements += 1 }
        longest = max(Double(path.count), (longest ?? Double(path.count)) * Self.fading)
        for rank in ranks.indices { ranks[rank] *= Self.fading }
        for node in path {
            let rank = tree.children(of: tree.parent(of: node)).prefix { $0 != node }.count
            while ranks.count <= rank { ranks.append(0) }
            ranks[rank] += 1
        }
    }

    /// What the worker is asked for, within `bounds`.
    func limits(within bounds: DraftLimits) -> DraftLimits {
        guard Double(verdicts) >= Self.trial, let longest else { return bounds }
        let depth = max(Self.leastDepth, Int(longest * Self.reach) + 1)
        return DraftLimits(nodes: bounds.nodes, depth: min(bounds.depth, depth), width: min(bounds.width, width))
    }

    /// The useful ranks, and one more to find out whether it is.
    private var width: Int {
        let total = ranks.reduce(0, +)
        guard total >= Self.trial / 4 else { return .max }
        let used = ranks.lastIndex { $0 >= Self.leastShare * total } ?? 0
        return used + 2
    }
}
