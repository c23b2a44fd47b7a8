/// The tree of at most n nodes and d levels with the most expected tokens, if all that is known of a drafter is how
/// often the child of each rank is accepted (Sequoia, Chen et al., arXiv 2402.12374 §4.1).
///
/// A node's value is the product of the acceptance rates of the ranks on its path, wherever it stands. So the best
/// subtree below a node depends only on how many nodes and levels are left, and dynamic programming over (nodes,
/// levels, first rank) finds it.
package struct SequoiaShape: Sendable, Hashable {
    package struct Node: Sendable, Hashable {
        /// Nil for a child of the base.
        package var parent: Int?
        /// Among its siblings: 0 is the drafter's preferred one.
        package var rank: Int
    }

    /// Parents before children, siblings by rank.
    package private(set) var nodes: [Node] = []
    /// The expected tokens of a round, the correction included.
    package let expectedTokens: Double

    /// The best shape.
    ///
    /// - Parameters:
    ///   - count: how many nodes it may have at most.
    ///   - depth: how many levels it may have at most.
    ///   - acceptance: by rank; entries outside 0...1 count as the nearest of them, NaN as 0.
    package init(nodes count: Int, depth: Int, acceptance: [Double]) {
        self.init(SequoiaProgram(nodes: count, depth: depth, acceptance), nodes: count, depth: depth)
    }

    private init(_ program: SequoiaProgram, nodes count: Int, depth: Int) {
        expectedTokens = program.expectedTokens(nodes: count, depth: depth)
        build(program, below: nil, nodes: count, depth: depth)
    }

    /// The shape with the most expected tokens a millisecond, of all sizes and depths up to a limit.
    package static func best(nodes: Int, depth: Int, measured: PlannerMeasurements) -> SequoiaShape {
        let program = SequoiaProgram(nodes: nodes, depth: depth, measured.acceptance)
        var best = (nodes: 0, depth: 0, rate: measured.rate(tokens: 1, steps: 0, nodes: 0))
        for depth in 0..<max(0, depth) {
            for count in 0..<max(0, nodes) {
                let tokens = program.expectedTokens(nodes: count + 1, depth: depth + 1)
                let rate = measured.rate(tokens: tokens, steps: depth + 1, nodes: count + 1)
                if rate > best.rate { best = (count + 1, depth + 1, rate) }
            }
        }
        return SequoiaShape(program, nodes: best.nodes, depth: best.depth)
    }

    /// The children of a node or of the base, by rank.
    package func children(of parent: Int?) -> [Int] { nodes.indices.filter { nodes[$0].parent == parent } }

    private mutating func build(_ program: SequoiaProgram, below parent: Int?, nodes count: Int, depth: Int) {
        var left = count
        for rank in 0... {
            let size = program.best(nodes: left, depth: depth, rank: rank).size
            guard size > 0 else { return }
            nodes.append(Node(parent: parent, rank: rank))
            build(program, below: nodes.count - 1, nodes: size - 1, depth: depth - 1)
            left -= size
        }
    }
}

/// The tables of the dynamic programme.
private struct SequoiaProgram {
    private let acceptance: [Double]
    private let nodes: Int
    private let depth: Int
    /// By depth, rank and nodes: what the children of that rank and later ones add at most, and how many nodes the
    /// subtree of the first of them then has.
    private var table: [(gain: Double, size: Int)]

    init(nodes: Int, depth: Int, _ acceptance: [Double]) {
        self.acceptance = acceptance.map { $0.isNaN ? 0 : min(max($0, 0), 1) }
        (self.nodes, self.depth) = (max(0, nodes), max(0, depth))
        table = Array(repeating: (0, 0), count: (self.nodes + 1) * (self.depth + 1) * (acceptance.count + 1))
        guard self.nodes > 0, self.depth > 0 else { return }
        for depth in 1...self.depth {
            for rank in self.acceptance.indices.reversed() {
                for count in 1...self.nodes { solve(nodes: count, depth: depth, rank: rank) }
            }
        }
    }

    func expectedTokens(nodes: Int, depth: Int) -> Double { 1 + best(nodes: nodes, depth: depth, rank: 0).gain }

    func best(nodes: Int, depth: Int, rank: Int) -> (gain: Double, size: Int) {
        guard nodes > 0, depth > 0, rank < acceptance.count else { return (0, 0) }
        return table[index(nodes: nodes, depth: depth, rank: rank)]
    }

    private mutating func solve(nodes count: Int, depth: Int, rank: Int) {
        var best = (gain: 0.0, size: 0)
        for size in 1...count {
            let below = self.best(nodes: size - 1, depth: depth - 1, rank: 0).gain
            let beside = self.best(nodes: count - size, depth: depth, rank: rank + 1).gain
            let gain = acceptance[rank] * (1 + below) + beside
            if gain > best.gain { best = (gain, size) }
        }
        table[index(nodes: count, depth: depth, rank: rank)] = best
    }

    private func index(nodes: Int, depth: Int, rank: Int) -> Int {
        (depth * (acceptance.count + 1) + rank) * (self.nodes + 1) + nodes
    }
}
