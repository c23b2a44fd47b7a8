/// An index into the nodes of a token tree; in a `NodeIndex?`, `nil` stands for the base.
package typealias NodeIndex = Int

/// Drafted tokens below a sequence's base: a tree in flat storage, every parent before its children.
///
/// The tree is a collection of its nodes in the order they were added. Every prefix of that order is itself a tree,
/// so a tree can be streamed while it grows. Siblings carry distinct tokens. Appending walks over the new node's
/// siblings (a handful; 512 at worst). Everything except subtrees and re-rooting is a lookup.
package struct TokenTree: Sendable {
    /// A drafted token, with its parent and its probability according to the drafter.
    package struct Node: Sendable, Hashable {
        /// The node it follows; `nil` for a child of the base.
        package var parent: NodeIndex?
        package var token: Token
        /// Natural logarithm of the drafter's estimate of the probability that the target takes `token` after the
        /// path to `parent`. Finite, at most 0.
        package var logProbability: Float

        package init(parent: NodeIndex?, token: Token, logProbability: Float) {
            self.parent = parent
            self.token = token
            self.logProbability = logProbability
        }
    }

    /// A node with derived values. Links are node indices; -1 means no node.
    struct Entry: Sendable {
        var token: Token
        var logProbability: Float
        /// Sum of the log-probabilities on the path. Double: sums of many finite floats stay finite.
        var pathLogProbability: Double
        var parent: Int32
        var depth: Int32
        var children = ChildList()
        var nextSibling: Int32 = -1
    }

    /// The ends of a node's list of children, oldest first.
    struct ChildList: Sendable {
        var first: Int32 = -1
        var last: Int32 = -1
    }

    package let limits: TreeLimits
    var entries: [Entry] = []
    var baseChildren = ChildList()

    /// An empty tree with the given limits.
    package init(limits: TreeLimits = TreeLimits()) {
        self.limits = limits
    }

    /// Builds a tree from nodes listed parent first.
    package init(_ nodes: some Sequence<Node>, limits: TreeLimits = TreeLimits()) throws(TreeError) {
        self.init(limits: limits)
        for node in nodes {
            try append(node)
        }
    }
}

extension TokenTree: RandomAccessCollection {
    package var startIndex: NodeIndex { 0 }
    package var endIndex: NodeIndex { entries.count }

    package subscript(node: NodeIndex) -> Node {
        let entry = entries[node]
        return Node(parent: parent(of: node), token: entry.token, logProbability: entry.logProbability)
    }
}

/// Trees are equal if they hold the same nodes in the same order, regardless of their limits.
extension TokenTree: Equatable {
    package static func == (lhs: TokenTree, rhs: TokenTree) -> Bool {
        lhs.elementsEqual(rhs)
    }
}
