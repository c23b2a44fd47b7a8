import PacelineSpeculation

/// A drafter for tests whose distributions are random functions of the tokens on a path.
struct LawDrafter: Drafter {
    let seed: UInt64
    var vocabulary = 4
    /// Probabilities are multiples of 1 / parts, so that few parts make ties common.
    var parts = 1 << 20
    /// Out of 100 places, how many have no proposal.
    var silent = 0

    var isModelFree: Bool { false }
    private(set) var base: [Token] = []

    init(seed: UInt64) {
        self.seed = seed
    }

    /// By token: its probability after a path, less than 1 in all.
    func law(after path: [Token]) -> [Double] {
        var hash = BaseHash(rawValue: seed)
        hash.append(path)
        var random = SplitMix(seed: hash.rawValue)
        guard random.next(below: 100) >= silent else { return [] }
        let weights = (0..<vocabulary).map { _ in 1 + random.next(below: max(1, parts / vocabulary - 1)) }
        return weights.map { Double($0) / Double(parts + 1) }
    }

    mutating func begin(base: [Token], sampling: SamplingParameters) {
        self.base = base
    }

    func expand(_ tree: TokenTree, at nodes: [NodeIndex?], width: Int) -> [[Candidate]] {
        nodes.map { node in
            let law = law(after: base + tree.tokens(onPathTo: node))
            let order = law.indices.sorted { law[$0] == law[$1] ? $0 < $1 : law[$0] > law[$1] }
            return order.prefix(width).map { token in
                Candidate(token: Token(token), logProbability: Float(Double.logarithm(law[token])))
            }
        }
    }

    mutating func advance(_ rerooting: Rerooting) {
        base += rerooting.committed
    }

    /// Every path down to a depth, below the base [1].
    func wholeTree(depth: Int) throws -> TokenTree {
        var drafter = self
        drafter.base = [1]
        var tree = TokenTree()
        var open: [NodeIndex?] = [nil]
        while !open.isEmpty {
            let node = open.removeFirst()
            guard tree.depth(of: node) < depth else { continue }
            for candidate in drafter.expand(tree, at: [node], width: vocabulary)[0] {
                let child = TokenTree.Node(
                    parent: node,
                    token: candidate.token,
                    logProbability: candidate.logProbability
                )
                open.append(try tree.append(child))
            }
        }
        return tree
    }
}

extension TokenTree {
    /// The expected number of accepted tokens, if the drafter's probabilities are right.
    var expectedAccepted: Double { indices.reduce(0) { $0 + Double.exponential(pathLogProbability(of: $1)) } }

    var deepest: Int { indices.map { depth(of: $0) }.max() ?? 0 }

    /// The most expected tokens of any connected part with at most `count` nodes, by trying all parts.
    func mostExpected(_ count: Int) -> Double {
        var best = 0.0
        for subset in 0..<(1 << self.count) where subset.nonzeroBitCount <= count {
            let isConnected = indices.allSatisfy { node in
                guard subset >> node & 1 == 1, let parent = parent(of: node) else { return true }
                return subset >> parent & 1 == 1
            }
            guard isConnected else { continue }
            let chosen = indices.filter { subset >> $0 & 1 == 1 }
            best = Swift.max(best, chosen.reduce(0) { $0 + Double.exponential(pathLogProbability(of: $1)) })
        }
        return best
    }
}

extension PlannerSettings {
    /// One of each planner, with settings that make small trees.
    static var samples: [PlannerSettings] {
        get throws {
            try [
                "chain:length=4", "tree:width=3,depth=3", "eagle-2:width=3,depth=4,nodes=12",
                "opt-tree:nodes=12,depth=6,gain=0.05,width=4", "dyspec:nodes=12,depth=6",
                "dyspec:nodes=12,depth=6,threshold=0.05", "sequoia:nodes=12,depth=4", "rsd-c:width=2,depth=3,seed=7",
                "rsd-s:width=3,depth=4,seed=7", "adaedl:length=6,threshold=0.3", "specdec++:length=6,risk=0.8",
                "goodput:length=4", "best-first",
            ].map { try PlannerSettings($0) }
        }
    }
}

extension SequenceDraft {
    /// Drafts a whole tree for a base with one drafter.
    static func drafted(_ policy: GrowthPolicy, _ drafter: some Drafter, base: [Token] = [1]) throws -> TokenTree {
        var draft = SequenceDraft(drafters: [drafter], policy: policy)
        try draft.begin(base: base, sampling: .greedy)
        while try draft.step() {}
        return draft.tree
    }
}
