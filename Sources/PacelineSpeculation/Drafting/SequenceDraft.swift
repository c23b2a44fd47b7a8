/// A worker's draft for one sequence: a tree, and the drafters that grow it together.
///
/// The drafters' proposals are merged into one tree by (parent, token). Each drafter sees the others' proposals and may
/// extend them. Not `Sendable`: it belongs to the thread that runs its drafters.
package struct SequenceDraft {
    private struct Member {
        var drafter: any Drafter
        var grower: TreeGrower
        /// Whether the drafter knows the base.
        var hasBegun = false

        var isModelFree: Bool { drafter.isModelFree }
    }

    /// How many tokens of a base a drafter without a model reads at a time.
    private static let piece = 4096

    package private(set) var tree: TokenTree
    private var members: [Member]
    /// The base, for drafters that have not begun yet.
    private var base: [Token] = []
    private var sampling = SamplingParameters.greedy

    /// - Parameters:
    ///   - drafters: the drafters, preferably those without a model first, because their steps cost almost nothing.
    ///   - policy: bounds for the whole tree, and when growing no longer pays.
    ///   - limits: the limits that the receiver of the tree enforces.
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

    /// The calibration of each drafter's probabilities, in the order of the drafters. May be carried over to another
    /// sequence with the same drafters.
    package var experience: [Calibration] {
        get { members.map(\.grower.calibration) }
        set {
            for (index, calibration) in zip(members.indices, newValue) {
                members[index].grower.calibration = calibration
            }
        }
    }

    /// Starts a sequence with an empty tree. Drafters with a model read the base in their first step, so that a long
    /// prompt does not hold up the others.
    ///
    /// - Parameter onProgress: called repeatedly while a long base is read.
    package mutating func begin(
        base: [Token],
        sampling: SamplingParameters,
        onProgress: () -> Void = {}
    ) throws {
        let (policy, experience) = (policy, experience)
        tree = TokenTree(limits: tree.limits)
        self.base = base
        self.sampling = sampling
        for index in members.indices {
            members[index].grower = TreeGrower(policy: policy)
            members[index].hasBegun = false
        }
        self.experience = experience
        for index in members.indices where members[index].isModelFree { try read(index, onProgress: onProgress) }
    }

    /// Lets the drafters without a model take all steps that pay. If no such step is left, each drafter with a model
    /// takes one step. Cheap steps thus need not wait for a pass of a model.
    ///
    /// When no step pays any more, the remaining credit goes to the best proposals in reserve.
    ///
    /// - Returns: the new nodes, or `nil` if nothing is left to do until the base grows.
    package mutating func step() throws -> Range<NodeIndex>? {
        let first = tree.count
        for isModelFree in [true, false] {
            var hasStepped = false
            for index in members.indices where members[index].isModelFree == isModelFree {
                if !members[index].hasBegun { try begin(index) }
                try members[index].grower.admit(into: &tree)
                while try step(index) {
                    hasStepped = true
                    guard isModelFree else { break }
                }
            }
            if hasStepped { return first..<tree.count }
        }
        for index in members.indices {
            try members[index].grower.admit(into: &tree, isGrowing: false)
        }
        return tree.count > first ? first..<tree.count : nil
    }

    /// Appends accepted tokens and the correction to the base, and re-roots the tree.
    @discardableResult
    package mutating func commit(_ tokens: [Token]) throws -> Rerooting {
        let rerooting = tree.reroot(after: tokens)
        tree = rerooting.tree
        let isAwaited = members.contains { !$0.hasBegun }
        base = isAwaited ? base + tokens : []
        for index in members.indices {
            members[index].grower.advance(rerooting)
            if members[index].hasBegun { try members[index].drafter.advance(rerooting) }
        }
        return rerooting
    }

    /// Notes that the nodes of `outgoing` are being verified, so that drafting no longer counts them. Nodes that are
    /// not in the tree are ignored.
    package mutating func verifying(_ outgoing: TokenTree) {
        var own: [NodeIndex?] = []
        for node in outgoing {
            let isKnown = node.parent.map { own[$0] != nil } ?? true
            own.append(isKnown ? tree.child(of: node.parent.flatMap { own[$0] }, token: node.token) : nil)
        }
        for index in members.indices {
            members[index].grower.verifying(own.compactMap(\.self))
        }
    }

    private mutating func begin(_ index: Int) throws {
        try members[index].drafter.begin(base: base, sampling: sampling)
        members[index].hasBegun = true
    }

    /// Begins a drafter that reads the whole base now, in pieces.
    private mutating func read(_ index: Int, onProgress: () -> Void) throws {
        try members[index].drafter.begin(base: Array(base.prefix(Self.piece)), sampling: sampling)
        members[index].hasBegun = true
        for start in stride(from: Self.piece, to: base.count, by: Self.piece) {
            onProgress()
            let piece = Array(base[start..<min(base.count, start + Self.piece)])
            try members[index].drafter.advance(Rerooting(committed: piece, path: [], kept: [], tree: tree))
        }
    }

    private mutating func step(_ index: Int) throws -> Bool {
        guard let frontier = members[index].grower.next(tree) else { return false }
        let width = members[index].grower.policy.width
        let proposals = try members[index].drafter.expand(tree, at: frontier, width: width)
        try members[index].grower.insert(proposals, at: frontier, into: &tree)
        return true
    }
}
