import PacelineSpeculation
import Testing

/// What papers claim of their trees, against trying everything.
@Suite("Tree planners reach what their papers claim")
struct PlannerOptimalityTests {
    private static func drafted(_ text: String, _ drafter: LawDrafter, depth: Int) throws -> TokenTree {
        let planner = try PlannerSettings(text)
        let policy = GrowthPolicy(nodes: 200, verified: 200, minimumProbability: 0, depth: depth, planner: planner)
        let tree = try SequenceDraft.drafted(policy, drafter)
        return planner.makePlanner()?.selection(of: tree, nodes: 200) ?? tree
    }

    @Test("OPT-Tree and DySpec find the best tree of n nodes", arguments: 0..<12)
    func mostProbable(seed: UInt64) throws {
        var drafter = LawDrafter(seed: seed)
        drafter.vocabulary = seed % 2 == 0 ? 2 : 3
        drafter.parts = seed % 3 == 0 ? 8 : 1 << 20
        let depth = drafter.vocabulary == 2 ? 3 : 2
        let whole = try drafter.wholeTree(depth: depth)
        for nodes in [1, 2, 3, 5, 8, 12, 14] {
            let best = whole.mostExpected(nodes)
            for text in ["opt-tree:nodes=\(nodes),gain=0,width=16", "dyspec:nodes=\(nodes),width=16"] {
                let tree = try Self.drafted(text, drafter, depth: depth)
                #expect(tree.count <= nodes)
                #expect(abs(tree.expectedAccepted - best) < 1e-6, "\(text)")
            }
        }
    }

    @Test("EAGLE-2 finds the best n nodes of those that its beam of k reaches, and with a wide beam of all")
    func dynamic() throws {
        for seed in 0..<12 as Range<UInt64> {
            var drafter = LawDrafter(seed: seed)
            drafter.vocabulary = 3
            let whole = try drafter.wholeTree(depth: 2)
            let beam = try Self.drafted("eagle-2:width=2,depth=2,nodes=60", drafter, depth: 2)
            // Two children of the base, and two of each: the beam keeps both.
            #expect(beam.count == 6)
            for nodes in [1, 4, 9] {
                let narrow = try Self.drafted("eagle-2:width=2,depth=2,nodes=\(nodes)", drafter, depth: 2)
                #expect(abs(narrow.expectedAccepted - beam.mostExpected(nodes)) < 1e-6)
                let wide = try Self.drafted("eagle-2:width=9,depth=2,nodes=\(nodes)", drafter, depth: 2)
                #expect(abs(wide.expectedAccepted - whole.mostExpected(nodes)) < 1e-6)
            }
        }
    }

    @Test("DySpec's threshold form has exactly the paths above the threshold")
    func threshold() throws {
        for seed in 0..<12 as Range<UInt64> {
            let drafter = LawDrafter(seed: seed)
            let whole = try drafter.wholeTree(depth: 4)
            let above = whole.indices.filter { Double.exponential(whole.pathLogProbability(of: $0)) > 0.01 }
            let tree = try Self.drafted("dyspec:nodes=200,depth=4,threshold=0.01", drafter, depth: 4)
            #expect(tree.count == above.count && above.count > 4)
        }
    }

    @Test("OPT-Tree stops at the level that adds less than its gain")
    func gain() throws {
        var drafter = LawDrafter(seed: 5)
        drafter.vocabulary = 2
        let depths = try [0.0, 0.05, 0.1, 0.2, 16].map { gain in
            try Self.drafted("opt-tree:nodes=10,gain=\(gain),depth=8", drafter, depth: 8).deepest
        }
        #expect(depths == depths.sorted(by: >) && depths[0] > 2 && depths[4] == 1)
    }

    @Test("Sequoia's tree is the best of all shapes", arguments: 0..<15)
    func sequoia(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        let ranks = 1 + random.next(below: 3)
        // Some are equal, and they need not fall.
        let acceptance = (0..<ranks).map { _ in Double(random.next(below: 9)) / 10 }
        for depth in 1...3 {
            for nodes in 0...5 {
                let shape = SequoiaShape(nodes: nodes, depth: depth, acceptance: acceptance)
                let best = Self.bestShape(nodes: nodes, depth: depth, acceptance)
                #expect(abs(shape.expectedTokens - best) < 1e-12)
                #expect(abs(Self.value(of: shape, acceptance) - best) < 1e-12)
                #expect(shape.nodes.count <= nodes)
                #expect(shape.nodes.enumerated().allSatisfy { $1.parent ?? -1 < $0 })
            }
        }
    }

    @Test("Sequoia's size and depth are those of the most tokens a millisecond, and follow the cost")
    func sequoiaCost() throws {
        let acceptance = [0.7, 0.1, 0.05]
        var sizes: [Int] = []
        for row in [0.1, 1, 5, 100] {
            let costs = try CostCurve([.init(rows: 1, milliseconds: 20), .init(rows: 2, milliseconds: 20 + row)])
            let measured = PlannerMeasurements(acceptance: acceptance, costs: costs, draftMilliseconds: 2)
            let shape = SequoiaShape.best(nodes: 10, depth: 5, measured: measured)
            var best = 1 / costs.milliseconds(rows: 1)
            for depth in 1...5 {
                for nodes in 1...10 {
                    let tokens = SequoiaShape(nodes: nodes, depth: depth, acceptance: acceptance).expectedTokens
                    best = max(best, tokens / (Double(depth) * 2 + costs.milliseconds(rows: nodes + 1)))
                }
            }
            let depth =
                shape.nodes.reduce(into: [Int]()) { depths, node in
                    depths.append((node.parent.map { depths[$0] } ?? 0) + 1)
                }.max() ?? 0
            let rate = measured.rate(tokens: shape.expectedTokens, steps: depth, nodes: shape.nodes.count)
            #expect(rate >= best - 1e-12)
            sizes.append(shape.nodes.count)
        }
        #expect(sizes == sizes.sorted(by: >) && sizes[0] > 4 && sizes[3] == 0)
    }

    @Test("a drafter's tree takes Sequoia's shape, rank by rank")
    func sequoiaTree() throws {
        let shape = SequoiaShape.best(nodes: 12, depth: 4, measured: PlannerMeasurements())
        let tree = try Self.drafted("sequoia:nodes=12,depth=4", LawDrafter(seed: 8), depth: 8)
        func degrees(_ tree: TokenTree, _ node: NodeIndex?, _ depth: Int) -> [Int] {
            let children = Array(tree.children(of: node))
            return [children.count] + children.flatMap { degrees(tree, $0, depth + 1) }
        }
        func degrees(_ node: Int?) -> [Int] {
            let children = shape.children(of: node)
            return [children.count] + children.flatMap { degrees($0) }
        }
        #expect(degrees(tree, nil, 0) == degrees(nil) && tree.count == 12)
    }

    @Test("the goodput chain is the best of all lengths, shrinks with the load, and may be none")
    func goodput() throws {
        let costs = try CostCurve([
            .init(rows: 1, milliseconds: 20), .init(rows: 8, milliseconds: 22),
            .init(rows: 16, milliseconds: 60),
        ])
        var lengths: [Int] = []
        for load in [0, 4, 8, 40] {
            let measured = PlannerMeasurements(
                acceptance: [0.8],
                costs: costs,
                draftMilliseconds: 1,
                otherRows: load
            )
            let planner = GoodputPlanner(limit: 12, measured: measured)
            func rate(_ length: Int) -> Double {
                let tokens = (0...length).reduce(0.0) { sum, power in
                    sum + (0..<power).reduce(1.0) { product, _ in product * 0.8 }
                }
                return tokens / (Double(length) + costs.milliseconds(rows: length + 1 + load))
            }
            #expect(abs(rate(planner.length) - (0...12).map(rate).max()!) < 1e-12)
            lengths.append(planner.length)
        }
        #expect(lengths[0] > lengths[2] && lengths[0] >= 4)
        let useless = PlannerMeasurements(acceptance: [0], costs: costs, draftMilliseconds: 1)
        #expect(GoodputPlanner(measured: useless).length == 0)
    }

    /// By trying all shapes: children are taken in the order of their ranks.
    private static func bestShape(nodes: Int, depth: Int, _ acceptance: [Double]) -> Double {
        var shapes: Set<Set<[Int]>> = [[]]
        var best = 1.0
        for _ in 0..<nodes {
            var grown: Set<Set<[Int]>> = []
            for shape in shapes {
                for parent in shape.union([[]]) where parent.count < depth {
                    let rank = acceptance.indices.first { !shape.contains(parent + [$0]) }
                    if let rank { grown.insert(shape.union([parent + [rank]])) }
                }
            }
            for shape in grown {
                best = max(best, 1 + shape.reduce(0) { $0 + $1.reduce(1) { $0 * acceptance[$1] } })
            }
            shapes = grown
        }
        return best
    }

    /// The expected tokens of a shape, from its nodes.
    private static func value(of shape: SequoiaShape, _ acceptance: [Double]) -> Double {
        var values: [Double] = []
        for node in shape.nodes { values.append((node.parent.map { values[$0] } ?? 1) * acceptance[node.rank]) }
        return 1 + values.reduce(0, +)
    }
}
