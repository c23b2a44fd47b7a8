import PacelineSpeculation
import PacelineWire

/// What one worker has streamed for one sequence: a tree with the worker's numbering and root. Also records how far the
/// sequence has moved past that root since.
///
/// The tree is not cut when the sequence grows, so that deltas that cross a verdict still find their parents. To find
/// the part below the current base, walk the committed tokens down from the root.
struct DraftStream: Sendable {
    /// Where the worker rooted the tree; nil before its first tree.
    private(set) var root: BaseMark?
    private(set) var tree: TokenTree
    /// Tokens committed since `root`.
    private var committed: [Token] = []
    /// The drafter pauses until the next verdict.
    private(set) var isFinal = false
    private let limits: TreeLimits
    /// The part below the present base, once it was asked for and until something changes.
    private var below: TokenTree?

    init(limits: TreeLimits) {
        self.limits = limits
        tree = TokenTree(limits: limits)
    }

    /// Begins a new tree, which replaces the old one.
    ///
    /// - Parameter committed: tokens that the sequence has gained since `root`.
    mutating func restart(at root: BaseMark, committed: [Token]) {
        self.root = root
        self.committed = committed
        tree = TokenTree(limits: limits)
        isFinal = false
        below = nil
    }

    /// Adds streamed nodes behind those there are.
    ///
    /// - Throws: ``TreeError`` if one of them breaks a rule; nodes before it stay.
    mutating func append(_ nodes: [TokenTree.Node], isFinal: Bool) throws(TreeError) {
        below = nil
        for node in nodes {
            try tree.append(node)
        }
        self.isFinal = isFinal
    }

    /// The sequence has grown.
    mutating func commit(_ tokens: [Token]) {
        guard root != nil else { return }
        if !PlantedBug.treeNotFollowed.isPlanted { committed += tokens }
        below = nil
        guard committed.count > limits.depth else { return }
        // Deeper than any tree may be: nothing of this one can lie below the base again.
        tree = TokenTree(limits: limits)
        committed.removeAll()
        root = nil
    }

    /// Whether nothing was committed since the worker rooted its tree.
    var isAtBase: Bool {
        root != nil && committed.isEmpty
    }

    /// The part of the tree below the present base; empty where the committed tokens left it.
    mutating func belowBase() -> TokenTree {
        if committed.isEmpty { return tree }
        if let below { return below }
        let tree = tree.reroot(after: committed).tree
        below = tree
        return tree
    }
}
