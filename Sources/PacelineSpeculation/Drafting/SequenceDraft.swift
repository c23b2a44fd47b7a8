/// One sequence's drafting: a tree, and the drafters that grow it together. What a worker holds per sequence.
///
/// The drafters' proposals meet in one tree, merged by (parent, token); each drafter sees, and may extend, what the
/// others proposed. Not `Sendable`: it belongs to the thread that runs its drafters.
package struct SequenceDraft {
    private struct Member {
        var drafter: any Drafter
        var grower: TreeGrower
        /// The drafter knows the base.
        var hasBegun = false

        var isModelFree: Bool { drafter.isModelFree }
    }

    /// Tokens of a base that a drafter without a model reads in one go.
    private static let piece = 4096

    package private(set) var tree: TokenTree
    private var members: [Member]
    /// The base, for drafters that have not begun yet.
    private var base: [Token] = []
    private var sampling = SamplingParameters.greedy

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

    /// What each drafter's beliefs have turned out to be worth, in the order of the drafters. May be carried over from
    /// one sequence to another with equal drafters.
    package var experience: [Calibration] {
        get { members.map(\.grower.calibration) }
        set {
            for (index, calibration) in zip(members.indices, newValue) {
                members[index].grower.calibration = calibration
            }
        }
    }

    /// Starts a sequence with an empty tree. Drafters with a model read the base in their first step, so that those
    /// without are not held up by a long prompt.
    ///
    /// - Parameter onProgress: called now and then while a long base is read.
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

    /// Lets the drafters without a model take all the steps that pay, or, where they have none left, each drafter with
    /// a model one: what costs next to nothing need not wait for what costs a pass.
    ///
    /// When no step pays any more, what credit is left goes to the best of the proposals held back so far.
    ///
    /// - Returns: the new nodes, or `nil` when there is nothing left to do before the base grows.
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

    /// Follows the base as it grows by accepted tokens and correction.
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

    /// Some nodes are being verified: those of `outgoing` that are in the tree. They bind no drafting any more.
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

    /// Begins with a drafter that takes the base in at once, piece by piece.
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
