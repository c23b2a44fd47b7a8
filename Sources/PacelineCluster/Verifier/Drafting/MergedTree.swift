import PacelineSpeculation

/// One worker's part in a verdict.
struct VerdictShare: Equatable, Sendable {
    /// Nodes of the worker that were verified.
    var verified: Int
    /// Those of them that were accepted.
    var accepted: Int

    static let none = VerdictShare(verified: 0, accepted: 0)
}

/// The trees of several workers for one sequence as one tree, with what is believed of each node and who proposed it.
struct MergedTree: Sendable {
    /// Workers that one sequence may have besides its prediction; a node's proposers are the bits of one word.
    static let workerLimit = 63

    /// The workers of the sequence, in the order of assignment.
    let workers: [LinkID]
    private(set) var tree: TokenTree
    /// By node: the calibrated probability that the target takes its token once it comes to its parent. Where several
    /// workers proposed a node the most confident of them counts.
    private(set) var probabilities: [Double] = []
    /// By node: the same, of workers that have been right before alone; 0 where none of them proposed it. Passes wait
    /// for these nodes only.
    private(set) var provenProbabilities: [Double] = []
    /// By node: a bit for each worker that proposed it, by its place in ``workers``.
    private(set) var proposers: [UInt64] = []

    init(limits: TreeLimits, workers: [LinkID] = []) {
        self.workers = workers
        tree = TokenTree(limits: limits)
    }

    /// One worker's tree, with what is believed of it.
    struct Part {
        let tree: TokenTree
        /// Of the tree's nodes.
        let probabilities: [Double]
        /// Whether the worker has been right before.
        let isProven: Bool
        /// The worker's in ``workers``.
        let place: Int
    }

    /// Merges the trees of a sequence's workers.
    ///
    /// - Parameters:
    ///   - parts: in the order of assignment.
    ///   - limits: the parts' own.
    init(of parts: [Part], limits: TreeLimits, workers: [LinkID]) {
        self.init(limits: limits, workers: workers)
        if parts.count == 1 { take(parts[0]) } else { parts.forEach { add($0) } }
        reconcile()
    }

    /// Takes the only tree as it is, which is what adding its nodes one by one would give.
    private mutating func take(_ part: Part) {
        tree = part.tree
        probabilities = part.probabilities
        provenProbabilities = part.isProven ? part.probabilities : Array(repeating: 0, count: tree.count)
        proposers = Array(repeating: part.bit, count: tree.count)
    }

    /// Adds one worker's tree.
    mutating func add(_ part: Part) {
        var placed: [NodeIndex?] = []
        placed.reserveCapacity(part.tree.count)
        for (index, probability) in part.probabilities.enumerated() {
            let place = place(part.tree[index], under: placed, bit: part.bit, probability: probability)
            if part.isProven, let place { provenProbabilities[place] = max(provenProbabilities[place], probability) }
            placed.append(place)
        }
    }

    /// Workers may each be sure of another child of a node, of which the target takes one.
    mutating func reconcile() {
        probabilities = tree.limiting(probabilities, ofSiblings: 1)
        provenProbabilities = tree.limiting(provenProbabilities, ofSiblings: 1)
    }

    /// The sum over all nodes of proven workers down to `depth` of how far the probability of the node's path exceeds
    /// `price`, going by what these workers believe.
    func surplus(depth: Int, over price: Double) -> Double {
        var reach: [Double] = []
        reach.reserveCapacity(tree.count)
        var sum = 0.0
        for index in tree.indices {
            let probability = (tree.parent(of: index).map { reach[$0] } ?? 1) * provenProbabilities[index]
            reach.append(probability)
            if tree.depth(of: index) <= depth { sum += max(0, probability - price) }
        }
        return sum
    }

    /// The tree for a planner that must not choose nodes deeper than `depth`.
    func candidate(depth: Int) -> Planner.Input {
        let allowed = tree.indices.map { tree.depth(of: $0) <= depth ? probabilities[$0] : 0 }
        return Planner.Input(tree: tree, probabilities: allowed)
    }

    /// The most probable `count` nodes.
    func limited(to count: Int) -> MergedTree {
        guard tree.count > count else { return self }
        var reach: [Double] = []
        for index in tree.indices {
            reach.append((tree.parent(of: index).map { reach[$0] } ?? 1) * probabilities[index])
        }
        // No node is more probable than its parent, which has the lower index: so the part is connected.
        let best = tree.indices.sorted { reach[$0] != reach[$1] ? reach[$0] > reach[$1] : $0 < $1 }
        return subtree(best.prefix(count).sorted())
    }

    /// The part that consists of `nodes`, which are ascending and connected to the base.
    func subtree(_ nodes: [NodeIndex]) -> MergedTree {
        var part = MergedTree(limits: tree.limits, workers: workers)
        var placed = [NodeIndex?](repeating: nil, count: tree.count)
        for index in nodes {
            var node = tree[index]
            if !PlantedBug.subtreeNotRenumbered.isPlanted { node.parent = node.parent.flatMap { placed[$0] } }
            // Every part of a valid tree is valid, so nothing is ever left out here.
            guard let moved = try? part.tree.append(node) else { continue }
            placed[index] = moved
            part.probabilities.append(probabilities[index])
            part.provenProbabilities.append(provenProbabilities[index])
            part.proposers.append(proposers[index])
        }
        return part
    }

    /// How many nodes each of ``workers`` proposed, in one look at each node.
    var nodesByWorker: [Int] {
        var counts = [Int](repeating: 0, count: workers.count)
        for bits in proposers {
            var rest = bits
            while rest != 0 {
                counts[rest.trailingZeroBitCount] += 1
                rest &= rest - 1
            }
        }
        return counts
    }

    /// Each worker's part in a verdict on the tree. A node that several proposed counts for each of them.
    func shares(of verdict: Verdict) -> SortedTable<LinkID, VerdictShare> {
        var shares = SortedTable<LinkID, VerdictShare>()
        for (place, worker) in workers.enumerated() {
            let bit = UInt64(1) << UInt64(place)
            shares[worker] = VerdictShare(
                verified: proposers.count { $0 & bit != 0 },
                accepted: verdict.path.count { proposers[$0] & bit != 0 }
            )
        }
        return shares
    }

    private mutating func place(
        _ node: TokenTree.Node,
        under placed: [NodeIndex?],
        bit: UInt64,
        probability: Double
    ) -> NodeIndex? {
        var node = node
        if let parent = node.parent {
            guard let moved = placed[parent] else { return nil }
            node.parent = PlantedBug.mergedUnderBase.isPlanted ? nil : moved
        }
        // A node beyond the limits is left out with all below it: part of a tree is as valid as the whole.
        guard let (index, isNew) = try? tree.insert(node) else { return nil }
        if isNew {
            proposers.append(bit)
            probabilities.append(probability)
            provenProbabilities.append(0)
        } else {
            proposers[index] |= bit
            probabilities[index] = max(probabilities[index], probability)
        }
        return index
    }
}

extension MergedTree.Part {
    init(_ tree: TokenTree, _ profile: WorkerProfile, place: Int) {
        let probabilities = profile.probabilities(of: tree)
        self.init(tree: tree, probabilities: probabilities, isProven: profile.isProven, place: place)
    }

    /// Stands for the worker in a node's proposers.
    fileprivate var bit: UInt64 { 1 << UInt64(place) }
}
