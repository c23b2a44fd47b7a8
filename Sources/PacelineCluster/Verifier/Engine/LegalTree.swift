import PacelineModel
import PacelineSpeculation

/// The part of a proposed tree that a pass computes: the nodes that the text's grammar allows.
///
/// The target chooses legal tokens alone, so the other nodes would never be accepted, and no token changes if they cost
/// no row.
struct LegalTree {
    let nodes: TokenTree
    /// The index of each node in the proposed tree; nil if nothing was dropped.
    private let origins: [NodeIndex]?
    /// Nodes of the proposed tree that are not computed.
    let dropped: Int

    /// - Parameter cursor: where the text stands in its grammar; nil where anything may follow.
    init(_ proposed: TokenTree, behind cursor: ConstraintCursor?) {
        let legal = cursor?.legalNodes(of: proposed)
        if let legal, legal.count < proposed.count {
            self.init(nodes: proposed.subtree(of: legal), origins: legal, dropped: proposed.count - legal.count)
        } else {
            self.init(nodes: proposed, origins: nil, dropped: 0)
        }
    }

    private init(nodes: TokenTree, origins: [NodeIndex]?, dropped: Int) {
        (self.nodes, self.origins, self.dropped) = (nodes, origins, dropped)
    }

    /// None of the nodes, where there is no room for them.
    var emptied: LegalTree {
        LegalTree(nodes: TokenTree(limits: nodes.limits), origins: nil, dropped: dropped + nodes.count)
    }

    /// A verdict on this tree as one on the proposed tree.
    func proposed(_ verdict: Verdict) -> Verdict {
        guard let origins else { return verdict }
        var verdict = verdict
        verdict.path = verdict.path.map { origins[$0] }
        return verdict
    }
}
