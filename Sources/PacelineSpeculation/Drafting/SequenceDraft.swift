/// A worker's draft for one sequence: a tree, and the drafters that grow it together.
///
/// The drafters' proposals are merged into one tree by (parent, token). Each drafter sees the others' proposals and
/// may extend them. What they believe is pooled (``BeliefPool``). Those without a model, which come first, fill at
/// most half of the credit while one with a model is at work. Where the tree is full and a drafter could still
/// improve it, the least probable nodes are given up, once for each base. So drafters together are mostly as good as
/// the best of them or better (the README has figures). Not `Sendable`: it belongs to the thread that runs its
/// drafters.
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
    /// A path's probability that changes by more has to be told.
    private static let notableChange = 0.2

    package private(set) var tree: TokenTree
    /// Whether nodes that were there at the last commit or ``settle()`` have been given up or have become more or less
    /// probable, so that whoever knows the tree should be told all of it again. At most once for each base.
    package private(set) var isRevised = false
    private var members: [Member]
    private var pool: BeliefPool
    /// The base, for drafters that have not begun yet.
    private var base: [Token] = []
    private var sampling = SamplingParameters.greedy
    private var constraint: DraftConstraint?
    /// Features that drafters have missed that have not begun yet.
    private var features = FeatureBlocks()
    /// Whether this base has had its revision.
    private var isSettled = false
    /// Whether nodes have been given up at this base.
    private var hasMadeRoom = false

    /// - Parameters:
    ///   - drafters: the drafters, preferably those without a model first, because their steps cost almost nothing.
    ///   - policy: bounds for the whole tree, and when growing no longer pays.
    ///   - limits: the limits that the receiver of the tree enforces.
    package init(drafters: [any Drafter], policy: GrowthPolicy, limits: TreeLimits = TreeLimits()) {
        tree = TokenTree(limits: limits)
        members = drafters.map { Member(drafter: $0, grower: TreeGrower(policy: policy)) }
        pool = BeliefPool(isModelFree: drafters.map(\.isModelFree))
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

    /// What was learned about the drafters.
    package var experience: DraftExperience {
        get {
            var experience = DraftExperience()
            experience.calibrations = members.map(\.grower.calibration)
            experience.scores = pool.scores
            return experience
        }
        set {
            for (index, calibration) in zip(members.indices, newValue.calibrations) {
                members[index].grower.calibration = calibration
            }
            pool.trust(newValue.scores)
        }
    }

    /// Starts a sequence with an empty tree. Drafters with a model read the base in their first step, so that a long
    /// prompt does not hold up the others.
    ///
    /// - Parameters:
    ///   - constraint: nil if every text is legal.
    ///   - onProgress: called repeatedly while a long base is read.
    package mutating func begin(
        base: [Token],
        sampling: SamplingParameters,
        constraint: DraftConstraint? = nil,
        onProgress: () -> Void = {}
    ) throws {
        let (policy, experience) = (policy, experience)
        tree = TokenTree(limits: tree.limits)
        (self.base, self.sampling, self.constraint) = (base, sampling, constraint)
        features = FeatureBlocks()
        pool = BeliefPool(isModelFree: members.map(\.isModelFree))
        (isRevised, isSettled, hasMadeRoom) = (false, false, false)
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
    /// - Returns: whether anything has changed; if not, nothing is left to do until the base grows.
    package mutating func step() throws -> Bool {
        let hasModel = members.contains { !$0.isModelFree }
        if hasModel, try lookUp(within: policy.nodes / 2) { return true }
        if try runModels() { return true }
        if try lookUp(within: policy.nodes) { return true }
        let count = tree.count
        for index in members.indices {
            try members[index].grower.admit(into: &tree, isGrowing: false)
        }
        return tree.count > count
    }

    /// Takes features of the target, in the order of their positions. Those of tokens come before ``commit(_:)`` brings
    /// the tokens behind them. Drafters that have not begun get them as soon as they begin.
    package mutating func take(_ block: FeatureBlock) {
        for index in members.indices where members[index].hasBegun { members[index].drafter.take(block) }
        if members.contains(where: { !$0.hasBegun }) { features.append(block) }
    }

    /// Appends accepted tokens and the correction to the base, and re-roots the tree.
    @discardableResult
    package mutating func commit(_ tokens: [Token]) throws -> Rerooting {
        let rerooting = tree.reroot(after: tokens)
        let isAwaited = members.contains { !$0.hasBegun }
        base = isAwaited ? base + tokens : []
        try advance(rerooting)
        (isRevised, isSettled, hasMadeRoom) = (false, false, false)
        return rerooting
    }

    /// Whoever knows the tree has been told all of it.
    package mutating func settle() {
        isRevised = false
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
}

extension SequenceDraft {
    /// The drafters without a model take turns until no step of theirs pays.
    ///
    /// - Parameter nodes: how large the tree may become.
    private mutating func lookUp(within nodes: Int) throws -> Bool {
        let limit = policy.nodes
        var hasStepped = false
        var goesOn = true
        while goesOn {
            goesOn = false
            for index in members.indices where members[index].isModelFree {
                members[index].grower.policy.nodes = nodes
                defer { members[index].grower.policy.nodes = limit }
                try members[index].grower.admit(into: &tree)
                if nodes == limit { try makeRoom(for: index) }
                if try step(index) { goesOn = true }
            }
            hasStepped = hasStepped || goesOn
        }
        return hasStepped
    }

    /// Each drafter with a model takes a step, if it pays.
    private mutating func runModels() throws -> Bool {
        var hasStepped = false
        for index in members.indices where !members[index].isModelFree {
            if !members[index].hasBegun { try begin(index) }
            guard members[index].drafter.isReady else { continue }
            try members[index].grower.admit(into: &tree)
            try makeRoom(for: index)
            if try step(index) { hasStepped = true }
        }
        return hasStepped
    }

    private mutating func step(_ index: Int) throws -> Bool {
        guard let expansions = members[index].grower.expansions(of: tree) else { return false }
        let frontier = expansions.map(\.node)
        let width = expansions.reduce(0) { max($0, $1.width) }
        let proposals = zip(expansions, try members[index].drafter.expand(tree, at: frontier, width: width))
            .map { Array($1.prefix($0.width)) }
        guard members.count > 1 else {
            try members[index].grower.insert(proposals, at: frontier, into: &tree)
            return true
        }
        for (node, candidates) in zip(frontier, proposals) {
            try take(candidates, at: node, from: index)
        }
        try members[index].grower.admit(into: &tree)
        return true
    }

    /// Takes one drafter's proposals for a node, and revises what is believed of all that were made for it.
    private mutating func take(_ candidates: [Candidate], at node: NodeIndex?, from index: Int) throws {
        let own = try members[index].grower.take(candidates, at: node, of: tree)
        members[index].grower.hold(own, below: node)
        pool.hear(own, at: node, from: index)
        let pooled = pool.candidates(at: node)
        let change = tree.revise(pooled, below: node)
        if change > Self.notableChange, !isSettled { (isRevised, isSettled) = (true, true) }
        for member in members.indices { members[member].grower.revise(pooled, below: node) }
    }

    /// Gives up nodes if the tree is full and a drafter is likely to find better ones.
    private mutating func makeRoom(for index: Int) throws {
        guard members.count > 1, !hasMadeRoom, !isSettled || isRevised else { return }
        let nodes = members[index].grower.dispensable(tree)
        guard !nodes.isEmpty else { return }
        let given = nodes.map { tree[$0] }
        let rerooting = tree.dropping(nodes)
        try advance(rerooting)
        // If the better ones do not come, there is room for those below nodes that stay.
        for node in given where rerooting.survives(node.parent) {
            let candidate = Candidate(token: node.token, logProbability: node.logProbability)
            members[index].grower.hold([candidate], below: rerooting.moved(node.parent))
        }
        (isRevised, isSettled, hasMadeRoom) = (true, true, true)
    }

    private mutating func advance(_ rerooting: Rerooting) throws {
        tree = rerooting.tree
        pool.advance(rerooting)
        for index in members.indices {
            members[index].grower.advance(rerooting)
            if members[index].hasBegun { try members[index].drafter.advance(rerooting) }
        }
    }

    private mutating func begin(_ index: Int) throws {
        try members[index].drafter.begin(base: base, sampling: sampling, constraint: constraint)
        members[index].hasBegun = true
        for block in features.blocks { members[index].drafter.take(block) }
        if members.allSatisfy(\.hasBegun) { features = FeatureBlocks() }
    }

    /// Begins a drafter that reads the whole base now, in pieces.
    private mutating func read(_ index: Int, onProgress: () -> Void) throws {
        let first = Array(base.prefix(Self.piece))
        try members[index].drafter.begin(base: first, sampling: sampling, constraint: constraint)
        members[index].hasBegun = true
        for start in stride(from: Self.piece, to: base.count, by: Self.piece) {
            onProgress()
            let piece = Array(base[start..<min(base.count, start + Self.piece)])
            try members[index].drafter.advance(Rerooting(committed: piece, path: [], kept: [], tree: tree))
        }
    }
}
