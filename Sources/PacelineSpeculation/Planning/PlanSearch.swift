/// One run of the planner: takes nodes in order of path probability and remembers where the rate was best.
struct PlanSearch {
    /// A node that may be taken next, because its parent has been taken.
    private struct Open: Comparable {
        var probability: Double
        var sequence: Int
        var node: NodeIndex

        /// More probable first; equals by sequence and node, so that equal inputs give equal plans.
        static func < (one: Open, other: Open) -> Bool {
            if one.probability != other.probability { return one.probability > other.probability }
            return (one.sequence, one.node) < (other.sequence, other.node)
        }
    }

    private let sequences: [Planner.Input]
    private let policy: PlanningPolicy
    private let fixedRows: Int
    private let cost: CostCurve
    private let extraLimit: Double
    private var open = Heap<Open>()
    private var taken: [Open] = []
    private var takenPerSequence: [Int]
    private var expectedTokens: [Double]
    private var totalTokens: Double

    init(
        sequences: [Planner.Input],
        policy: PlanningPolicy,
        otherRows: Int,
        cost: CostCurve,
        extraLimit: Double
    ) {
        self.sequences = sequences
        self.extraLimit = extraLimit
        self.policy = policy
        self.cost = cost
        fixedRows = sequences.count + Swift.max(0, otherRows)
        takenPerSequence = Array(repeating: 0, count: sequences.count)
        expectedTokens = Array(repeating: 1, count: sequences.count)
        totalTokens = Double(sequences.count)
    }

    mutating func run() -> Plan {
        for sequence in sequences.indices {
            openChildren(of: nil, in: sequence, reached: 1)
        }
        let plainTime = cost.milliseconds(rows: fixedRows)
        var best = (count: 0, tokens: totalTokens, rate: 0.0)
        // Nodes come in descending order, so this is the most probable node left out.
        var leftOut = open.first?.probability ?? 0
        // Without a running sequence there is no rate to beat and no node to choose.
        best.rate = plainTime > 0 ? totalTokens / plainTime * (1 + policy.minimumSpeedUp) : .infinity
        while taken.count < policy.nodeBudget, let next = open.popFirst() {
            guard takenPerSequence[next.sequence] < policy.nodesPerSequence else { continue }
            take(next)
            let time = cost.milliseconds(rows: fixedRows + taken.count)
            if totalTokens / time > best.rate, isBearable(time: time, plainTime: plainTime) {
                best = (taken.count, totalTokens, totalTokens / time)
                leftOut = open.first?.probability ?? 0
            }
        }
        return plan(count: best.count, tokens: best.tokens, leftOut: leftOut)
    }

    private mutating func take(_ next: Open) {
        taken.append(next)
        takenPerSequence[next.sequence] += 1
        totalTokens += next.probability
        expectedTokens[next.sequence] += next.probability
        openChildren(of: next.node, in: next.sequence, reached: next.probability)
    }

    private mutating func openChildren(of node: NodeIndex?, in sequence: Int, reached: Double) {
        let candidate = sequences[sequence]
        for child in candidate.tree.children(of: node) where child < candidate.probabilities.count {
            let probability = reached * Swift.min(candidate.probabilities[child], 1)
            guard probability > 0 else { continue }
            open.insert(Open(probability: probability, sequence: sequence, node: child))
        }
    }

    /// Whether the round stays within its time limit and slows no sequence beyond the policy's limit.
    private func isBearable(time: Double, plainTime: Double) -> Bool {
        time - plainTime <= extraLimit
            && expectedTokens.allSatisfy { time <= $0 * plainTime * policy.slowdownLimit }
    }

    private func plan(count: Int, tokens: Double, leftOut: Double) -> Plan {
        var nodes = [[NodeIndex]](repeating: [], count: sequences.count)
        for choice in taken.prefix(count) {
            nodes[choice.sequence].append(choice.node)
        }
        let rows = fixedRows + count
        let time = cost.milliseconds(rows: rows)
        let price = time > 0 ? cost.extraMilliseconds(after: rows) * tokens / time : 0
        return Plan(
            nodes: nodes.map { $0.sorted() },
            expectedTokens: tokens,
            rows: rows,
            milliseconds: time,
            marginalProbability: Swift.min(1, Swift.max(price, leftOut))
        )
    }
}
