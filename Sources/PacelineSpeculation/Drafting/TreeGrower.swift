/// Decides which nodes of a tree a drafter expands next, and when to stop. A value without a model: it sees only trees
/// and proposals.
///
/// Works best-first by path probability over the whole frontier. The expected number of accepted tokens is the sum of
/// the nodes' path probabilities. So the best tree of `n` nodes is the `n` most probable paths. A step is worth what it
/// adds to that sum (OPT-Tree, arXiv 2406.17276; DySpec, arXiv 2410.11744; EAGLE-2 expands level by level instead,
/// arXiv 2406.16858). With sample-match, the choice of nodes may depend on their tokens without loss of exactness.
///
/// A grower follows one drafter on one tree; several drafters on a tree have one each. It learns from committed tokens
/// how reliable its drafter's probabilities are, and puts calibrated ones into the tree. An overconfident drafter thus
/// neither takes room from others nor misleads the model drafter.
package struct TreeGrower: Sendable {
    package var policy: GrowthPolicy {
        didSet {
            if policy.planner != oldValue.planner { planner = policy.planner?.makePlanner() }
        }
    }
    /// What shapes the tree in place of the rules below, if anything does.
    private(set) var planner: (any TreePlanner)?
    private(set) var isBaseExpanded = false
    /// By node index; nodes beyond the end have not been expanded.
    private(set) var expanded: [Bool] = []
    /// By node index: whether the node is being verified. Nodes beyond the end are not.
    private var pending: [Bool] = []
    /// Proposals that are not nodes yet, at most ``reserveLimit`` of them.
    var reserve: [TokenTree.Node] = []
    /// The drafter's proposals, uncalibrated, below nodes that may still be visited.
    private(set) var reports: [TokenTree.Node] = []
    /// How reliable the drafter's probabilities are.
    package var calibration = Calibration()
    /// The total probability of the proposals for one node, as a slow moving average. Starts optimistic.
    private var proposedMass = 1.0
    /// The probability of the preferred proposal for a node, as the same kind of average.
    private(set) var preferredShare = 0.7

    package init(policy: GrowthPolicy = GrowthPolicy()) {
        self.policy = policy
        planner = policy.planner?.makePlanner()
    }

    /// The nodes to expand in the next step, the most probable first, or `nil` if no step pays.
    ///
    /// Nothing changes until the proposals are passed to ``insert(_:at:into:)``.
    package func next(_ tree: TokenTree) -> [NodeIndex?]? {
        expansions(of: tree)?.map(\.node)
    }

    /// What ``next(_:)`` says, with the number of children to ask for.
    package func expansions(of tree: TokenTree) -> [Expansion]? {
        if let planner { return plannedExpansions(of: tree, by: planner) }
        guard tree.count < nodeLimit(of: tree) else { return nil }
        return wish(in: tree)?.map { Expansion(node: $0, width: policy.width) }
    }

    /// What the next step would be if there were room.
    private func wish(in tree: TokenTree) -> [NodeIndex?]? {
        guard depthLimit(of: tree) > 0 else { return nil }
        let floor = floor(of: tree)
        let frontier = frontier(of: tree).filter { promise(of: $0, in: tree, floor: floor) > 0 }
        let batch = frontier.prefix(Swift.max(1, policy.batch))
        let gain = batch.reduce(0) { $0 + promise(of: $1, in: tree, floor: floor) }
        guard !batch.isEmpty, gain >= policy.minimumGain else { return nil }
        return Array(batch)
    }

    /// If a step would pay, but the tree is full: the least probable nodes, at most half of them, that what the step is
    /// likely to bring would beat. Nodes that are being verified stay.
    package func dispensable(_ tree: TokenTree) -> [NodeIndex] {
        let isFull = nodeLimit(of: tree) > 0 && tree.count >= nodeLimit(of: tree)
        guard planner == nil, isFull, let best = wish(in: tree)?.first else { return [] }
        let promised = tree.pathLogProbability(of: best) + Double.logarithm(Swift.max(proposedMass, 1e-9))
        var isNeeded = [Bool](repeating: false, count: tree.count)
        for node in tree.indices.reversed() {
            let stays = isNeeded[node] || isPending(node) || tree.pathLogProbability(of: node) >= promised
            isNeeded[node] = stays
            if stays, let parent = tree.parent(of: node) { isNeeded[parent] = true }
        }
        let ranked = tree.indices.filter { !isNeeded[$0] }.sorted { lhs, rhs in
            let (left, right) = (tree.pathLogProbability(of: lhs), tree.pathLogProbability(of: rhs))
            // A node goes before its parent.
            return left == right ? lhs > rhs : left < right
        }
        return Array(ranked.prefix(tree.count / 2))
    }

    /// Takes the drafter's proposals for the nodes that ``next(_:)`` chose, marks those nodes expanded, and adds the
    /// proposals that pay, as ``admit(into:isGrowing:)`` does.
    ///
    /// - Returns: the indices of the new nodes, ascending.
    /// - Throws: ``TreeError`` if a proposal is not a valid node.
    @discardableResult
    package mutating func insert(
        _ proposals: [[Candidate]],
        at nodes: [NodeIndex?],
        into tree: inout TokenTree
    ) throws(TreeError) -> [NodeIndex] {
        for (node, candidates) in zip(nodes, proposals) {
            hold(try take(candidates, at: node, of: tree), below: node)
        }
        return try admit(into: &tree)
    }

    /// Takes the drafter's proposals for one node and marks it expanded.
    ///
    /// - Returns: the proposals with calibrated probabilities; none if the node is too deep.
    mutating func take(
        _ candidates: [Candidate],
        at node: NodeIndex?,
        of tree: TokenTree
    ) throws(TreeError) -> [Candidate] {
        for candidate in candidates where !(candidate.logProbability.isFinite && candidate.logProbability <= 0) {
            throw .invalidLogProbability(candidate.logProbability)
        }
        markExpanded(node)
        guard tree.depth(of: node) < depthLimit(of: tree) else { return [] }
        reports += candidates.map { .init(parent: node, token: $0.token, logProbability: $0.logProbability) }
        let calibrated = calibrated(candidates, depth: tree.depth(of: node) + 1)
        observe(calibrated)
        return calibrated
    }

    /// Puts proposals into the reserve.
    mutating func hold(_ candidates: [Candidate], below node: NodeIndex?) {
        reserve += candidates.map { .init(parent: node, token: $0.token, logProbability: $0.logProbability) }
    }

    /// Other drafters have changed what is believed of the tokens that may follow a node.
    mutating func revise(_ candidates: [Candidate], below node: NodeIndex?) {
        for index in reserve.indices where reserve[index].parent == node {
            guard let belief = candidates.first(where: { $0.token == reserve[index].token }) else { continue }
            reserve[index].logProbability = belief.logProbability
        }
    }

    /// Follows the tree to its new base.
    package mutating func advance(_ rerooting: Rerooting) {
        learn(from: rerooting)
        let isInTree = rerooting.path.count == rerooting.committed.count
        func moved(_ node: TokenTree.Node) -> TokenTree.Node? {
            guard rerooting.survives(node.parent) else { return nil }
            var moved = node
            moved.parent = rerooting.moved(node.parent)
            return moved
        }
        reserve = reserve.compactMap(moved)
        reports = reports.compactMap(moved)
        if !rerooting.committed.isEmpty {
            isBaseExpanded = isInTree && isExpanded(rerooting.path.last)
        }
        expanded = rerooting.kept.map(isExpanded)
        // A verdict has come, so nothing is being verified any more.
        pending = rerooting.committed.isEmpty ? rerooting.kept.map(isPending) : []
    }

    /// Notes which nodes of the tree are being verified.
    ///
    /// The verdict makes each of them part of the base or drops it; drafting now serves the round after. So they take
    /// no room from other nodes (see ``floor(of:)``). A sibling of theirs enters the tree only if it is probable enough
    /// as a correction that drafting below it would pay.
    package mutating func verifying(_ nodes: [NodeIndex]) {
        pending = []
        for node in nodes {
            if node >= pending.count {
                pending.append(contentsOf: repeatElement(false, count: node + 1 - pending.count))
            }
            pending[node] = true
        }
    }

    func isPending(_ node: NodeIndex) -> Bool {
        node < pending.count && pending[node]
    }

    /// Whether the drafter has been asked for children of a node.
    package func isExpanded(_ node: NodeIndex?) -> Bool {
        guard let node else { return isBaseExpanded }
        return node < expanded.count && expanded[node]
    }
}

extension TreeGrower {
    /// Unexpanded nodes that this drafter may expand, the most probable first.
    func frontier(of tree: TokenTree) -> [NodeIndex?] {
        // Everything else depends on the children of the base, and expanding it first is cheap.
        guard isBaseExpanded else { return [nil] }
        let depthLimit = depthLimit(of: tree)
        let open = tree.indices.filter { node in
            !isExpanded(node) && tree.depth(of: node) < depthLimit && isOwn(node, in: tree)
        }
        return open.sorted { lhs, rhs in
            let (left, right) = (tree.pathLogProbability(of: lhs), tree.pathLogProbability(of: rhs))
            return left == right ? lhs < rhs : left > right
        }
    }

    /// The expected tokens that expanding a node adds to the best tree that the verifier has room for.
    ///
    /// Treats the proposals as a single child, which underestimates when there are several.
    private func promise(of node: NodeIndex?, in tree: TokenTree, floor: Double) -> Double {
        Double.exponential(tree.pathLogProbability(of: node)) * proposedMass - floor
    }

    /// The path probability that a new node must exceed to find room in the next round. Nodes that are being verified
    /// now will not be in that round.
    func floor(of tree: TokenTree) -> Double {
        guard policy.verified > 0 else { return .infinity }
        guard tree.count >= policy.verified else { return 0 }
        let waiting = tree.indices.filter { !isPending($0) }
        guard waiting.count >= policy.verified else { return 0 }
        let best = waiting.map { tree.pathLogProbability(of: $0) }.sorted(by: >)
        return Double.exponential(best[policy.verified - 1])
    }

    /// The path probability that a new child of a node must exceed.
    ///
    /// A sibling of a node that is being verified can become the correction. That helps only with a tree below it, so
    /// it must be probable enough to be expanded.
    func threshold(below parent: NodeIndex?, in tree: TokenTree, floor: Double) -> Double {
        let usual = Swift.max(policy.minimumProbability, floor.nextUp)
        let isBesidePending = tree.children(of: parent).contains(where: isPending)
        return isBesidePending ? Swift.max(usual, policy.minimumGain) : usual
    }

    func nodeLimit(of tree: TokenTree) -> Int {
        Swift.min(policy.nodes, tree.limits.nodes)
    }

    func depthLimit(of tree: TokenTree) -> Int {
        Swift.min(policy.depth, tree.limits.depth)
    }

    /// Whether a node lies on the preferred line or in a subtree of this drafter's shard.
    private func isOwn(_ node: NodeIndex, in tree: TokenTree) -> Bool {
        guard policy.shard.count > 1 else { return true }
        for node in tree.path(to: node) {
            var rank = 0
            for sibling in tree.children(of: tree.parent(of: node)) {
                if sibling == node { break }
                rank += 1
            }
            if rank > 0 {
                return (tree.depth(of: node) + rank) % policy.shard.count == policy.shard.index % policy.shard.count
            }
        }
        return true
    }

    private mutating func markExpanded(_ node: NodeIndex?) {
        guard let node else {
            isBaseExpanded = true
            return
        }
        if node >= expanded.count {
            expanded.append(contentsOf: repeatElement(false, count: node + 1 - expanded.count))
        }
        expanded[node] = true
    }

    /// Compares the proposals at visited nodes with the tokens that the target took there.
    private mutating func learn(from rerooting: Rerooting) {
        for (depth, token) in rerooting.committed.enumerated() where depth <= rerooting.path.count {
            let visited = depth == 0 ? nil : rerooting.path[depth - 1]
            for report in reports where report.parent == visited {
                calibration.record(
                    logProbability: report.logProbability,
                    depth: depth + 1,
                    isAccepted: report.token == token
                )
            }
        }
    }

    private func calibrated(_ candidates: [Candidate], depth: Int) -> [Candidate] {
        candidates.map { candidate in
            let belief = calibration.probability(logProbability: candidate.logProbability, depth: depth)
            // A probability of 0 would not have a finite logarithm.
            let logProbability = Float(Double.logarithm(Swift.max(belief, 1e-9)))
            return Candidate(token: candidate.token, logProbability: logProbability)
        }
    }

    private mutating func observe(_ candidates: [Candidate]) {
        let mass = candidates.reduce(0) { $0 + Double.exponential(Double($1.logProbability)) }
        guard mass.isFinite else { return }
        proposedMass += (Swift.min(1, mass) - proposedMass) / 16
        let preferred = candidates.first.map { Double.exponential(Double($0.logProbability)) } ?? 0
        preferredShare += (preferred - preferredShare) / 16
    }
}
