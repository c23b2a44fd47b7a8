/// One sequence's drafting: a tree, and the drafters that grow it together. What a worker holds per sequence.
///
/// The drafters' proposals meet in one tree, merged by (parent, token); each drafter sees, and may extend, what the
/// others proposed. Not `Sendable`: it belongs to the thread that runs its drafters.
package struct SequenceDraft {
    private struct Member {
        var drafter: any Drafter
        var grower: TreeGrower
    }

    package private(set) var tree: TokenTree
    private var members: [Member]

    /// - Parameters:
    ///   - drafters: the drafters, those without a model first by preference: their steps cost next to nothing.
    ///   - policy: bounds for the tree as a whole, and when growing stops to pay.
    ///   - limits: what the receiver of the tree enforces.
    package init(drafters: [any Drafter], policy: GrowthPolicy, limits: TreeLimits = TreeLimits()) {
        tree = TokenTree(limits: limits)
        members = drafters.map { Member(drafter: $0, grower: TreeGrower(policy: policy)) }
    }

    /// The bounds under which all drafters grow the tree; may change at any time.
    package var policy: GrowthPolicy {
        get { members.first?.grower.policy ?? GrowthPolicy() }
        set {
            for index in members.indices {
                members[index].grower.policy = newValue
            }
        }
    }

    /// Starts a sequence with an empty tree.
    package mutating func begin(base: [Token], sampling: SamplingParameters) throws {
        let policy = policy
        tree = TokenTree(limits: tree.limits)
        for index in members.indices {
            members[index].grower = TreeGrower(policy: policy)
            try members[index].drafter.begin(base: base, sampling: sampling)
        }
    }

    /// Lets each drafter take a step: one batch for a model, as many as pay for a drafter without.
    ///
    /// When no step pays any more, what credit is left goes to the best of the proposals held back so far.
    ///
    /// - Returns: the new nodes, or `nil` when there is nothing left to do before the base grows.
    package mutating func step() throws -> Range<NodeIndex>? {
        let first = tree.count
        var hasStepped = false
        for index in members.indices {
            try members[index].grower.admit(into: &tree)
            let isModelFree = members[index].drafter.isModelFree
            while try step(index) {
                hasStepped = true
                guard isModelFree else { break }
            }
        }
        if !hasStepped {
            for index in members.indices {
                try members[index].grower.admit(into: &tree, isGrowing: false)
            }
        }
        return hasStepped || tree.count > first ? first..<tree.count : nil
    }

    /// Follows the base as it grows by accepted tokens and correction.
    @discardableResult
    package mutating func commit(_ tokens: [Token]) throws -> Rerooting {
        let rerooting = tree.reroot(after: tokens)
        tree = rerooting.tree
        for index in members.indices {
            members[index].grower.advance(rerooting)
            try members[index].drafter.advance(rerooting)
        }
        return rerooting
    }

    private mutating func step(_ index: Int) throws -> Bool {
        guard let frontier = members[index].grower.next(tree) else { return false }
        let width = members[index].grower.policy.width
        let proposals = try members[index].drafter.expand(tree, at: frontier, width: width)
        try members[index].grower.insert(proposals, at: frontier, into: &tree)
        return true
    }
}
