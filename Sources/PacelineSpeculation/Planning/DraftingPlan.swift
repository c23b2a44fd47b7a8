/// A pass of a ``DraftingModel``: chooses nodes as ``PlanSearch`` does, of trees that have every child of every node.
struct DraftingPlan {
    /// What the verifier has of one sequence's tree.
    struct Tree {
        let kind: Int
        /// By level: the rank of the target's token among its siblings; nil from where the tree leaves the text.
        let ranks: [Int?]
    }

    /// A node that may be chosen next, because its parent was.
    private struct Open: Comparable {
        let probability: Double
        let sequence: Int
        let level: Int
        /// Whether the target takes it.
        let isRight: Bool
        let order: Int

        /// More probable first.
        static func < (one: Open, other: Open) -> Bool {
            one.probability == other.probability ? one.order < other.order : one.probability > other.probability
        }
    }

    /// Nodes that the target takes, by sequence.
    private(set) var accepted: [Int]
    private(set) var milliseconds: Double
    /// The probability below which one more node would not have paid.
    private(set) var price = 0.0
    private let model: DraftingModel
    private let trees: [Tree?]
    /// Of a path that workers draft.
    private let least: Double
    private var open = Heap<Open>()
    private var opened = 0

    /// Paths less probable than this are not drafted.
    static func leastProbability(price: Double) -> Double { max(0.005, price / 8) }

    /// - Parameter price: of the plans before, as workers know it.
    init(_ trees: [Tree?], _ model: DraftingModel, price: Double) {
        self.model = model
        self.trees = trees
        least = Self.leastProbability(price: price)
        accepted = Array(repeating: 0, count: trees.count)
        milliseconds = model.costs.milliseconds(rows: trees.count)
        for sequence in trees.indices { openChildren(of: sequence, level: 0, reached: 1, isRight: true) }
        search()
    }

    private mutating func openChildren(of sequence: Int, level: Int, reached: Double, isRight: Bool) {
        guard let tree = trees[sequence], level < tree.ranks.count else { return }
        let right = isRight ? tree.ranks[level] : nil
        for (rank, share) in model.drafters[tree.kind].shares.prefix(model.width).enumerated() {
            guard reached * share >= least else { continue }
            opened += 1
            open.insert(
                Open(
                    probability: reached * share,
                    sequence: sequence,
                    level: level,
                    isRight: rank == right,
                    order: opened
                )
            )
        }
    }

    private mutating func search() {
        let (rows, plain) = (trees.count, milliseconds)
        var taken: [Open] = []
        var expected = [Double](repeating: 1, count: rows)
        var total = Double(rows)
        var best = (count: 0, tokens: total, rate: total / plain * (1 + model.policy.minimumSpeedUp))
        var leftOut = open.first?.probability ?? 0
        while taken.count < model.policy.nodeBudget, let next = open.popFirst() {
            taken.append(next)
            total += next.probability
            expected[next.sequence] += next.probability
            openChildren(of: next.sequence, level: next.level + 1, reached: next.probability, isRight: next.isRight)
            let time = model.costs.milliseconds(rows: rows + taken.count)
            guard total / time > best.rate, time - plain <= model.extraMilliseconds,
                expected.allSatisfy({ time <= $0 * plain * model.policy.slowdownLimit })
            else { continue }
            best = (taken.count, total, total / time)
            leftOut = open.first?.probability ?? 0
        }
        for node in taken.prefix(best.count) where node.isRight { accepted[node.sequence] += 1 }
        milliseconds = model.costs.milliseconds(rows: rows + best.count)
        let cost = model.costs.extraMilliseconds(after: rows + best.count)
        price = min(1, max(milliseconds > 0 ? cost * best.tokens / milliseconds : 0, leftOut))
    }
}
