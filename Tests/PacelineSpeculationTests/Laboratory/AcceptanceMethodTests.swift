import Testing

@testable import PacelineSpeculation

/// The acceptance rules as `bench methods` runs them: drafts, shapes and seeds included.
@Suite("Methods with acceptance rules")
struct AcceptanceMethodTests {
    static let lawful = AcceptanceName.allCases.filter { $0.guarantee == .law }

    /// The first tokens of many texts, and how far their distribution is from the target's.
    private static func distance(
        _ rule: AcceptanceName,
        _ planner: String? = nil,
        isDrawn: Bool = true,
        texts: Int = 12_000
    ) throws -> Double {
        let scenario = RejectionScenario(seed: 5, vocabulary: 3)
        let budget = MethodBudget(
            nodes: 5,
            depth: 3,
            width: 2,
            tokens: 2,
            planner: try planner.map { try PlannerSettings($0) },
            acceptance: rule
        )
        var counts: [[Token]: Double] = [:]
        for seed in 0..<UInt64(texts) {
            let drafter: any Drafter =
                isDrawn ? LawfulDrafter(scenario: scenario) : CertainDrafter(scenario: scenario)
            var sampling = SamplingParameters(temperature: 1)
            sampling.seed = seed
            var run = try MethodRun([drafter], prompt: [0], sampling: sampling, budget: budget)
            var own = SplitMix(seed: ~seed)
            while !run.isOver {
                let tree = try run.propose()
                let answers = ScenarioAnswers(scenario, base: run.tokens, tree: tree, uniform: own.nextUnit())
                _ = try run.take(run.decide(answers))
            }
            counts[run.tokens, default: 0] += 1 / Double(texts)
        }
        var distance = 0.0
        for first in 0..<Token(3) {
            for second in 0..<Token(3) {
                let law = scenario.targetLaw(after: [])[first] * scenario.targetLaw(after: [first])[second]
                distance += abs(law - counts[[first, second], default: 0]) / 2
            }
        }
        return distance
    }

    /// Of nine outcomes of 12,000 texts, chance alone gives about 0.01.
    private static let noise = 0.025

    @Test("a rule of the p/q family gives texts with the target's distribution", arguments: lawful)
    func drawn(rule: AcceptanceName) throws {
        #expect(try Self.distance(rule) < Self.noise)
    }

    @Test("so it does with the trees of every planner that may draw for it", arguments: lawful)
    func planners(rule: AcceptanceName) throws {
        for name in PlannerName.allCases {
            guard rule.objection(to: try PlannerSettings(name.rawValue), isDrawn: true) == nil else { continue }
            #expect(try Self.distance(rule, name.rawValue, texts: 4000) < 1.5 * Self.noise, "\(name)")
        }
    }

    @Test(
        "what a drafter proposes for certain keeps the distribution too",
        arguments: [AcceptanceName.leviathan, .block, .recursive, .traversal]
    )
    func certain(rule: AcceptanceName) throws {
        #expect(try Self.distance(rule, isDrawn: false) < Self.noise)
        guard rule == .recursive || rule == .traversal else { return }
        #expect(try Self.distance(rule, "eagle-2", isDrawn: false) < Self.noise)
    }

    @Test("sample-match follows the target, and typical acceptance does not: it is lossy")
    func others() throws {
        #expect(try Self.distance(.sampleMatch, isDrawn: false) < Self.noise)
        #expect(try Self.distance(.typical, isDrawn: false) > 4 * Self.noise)
        #expect(AcceptanceName.typical.guarantee == .lossy && AcceptanceName.sampleMatch.guarantee == .tokens)
    }

    // MARK: One text

    private static func text(
        _ rule: AcceptanceName,
        seed: UInt64,
        isGreedy: Bool = false
    ) throws -> (tokens: [Token], figures: MethodFigures) {
        let scenario = RejectionScenario(seed: 5, vocabulary: 6)
        let drafter = LawfulDrafter(scenario: scenario, isGreedy: isGreedy)
        let budget = MethodBudget(nodes: 9, depth: 4, width: 3, tokens: 40, acceptance: rule)
        let sampling = SamplingParameters(seed: seed)
        var run = try MethodRun([drafter], prompt: [1], sampling: sampling, budget: budget)
        var figures = MethodFigures()
        while !run.isOver {
            let tree = try run.propose()
            #expect(tree.count <= 9 && tree.allSatisfy { $0.logProbability <= 0 })
            let answers = ScenarioAnswers(scenario, base: run.tokens, tree: tree, isGreedy: isGreedy)
            figures.record(try run.take(run.decide(answers)))
        }
        #expect(figures.tokens == 40 && run.tokens.count == 40)
        return (run.tokens, figures)
    }

    @Test("a text depends on the seed alone", arguments: lawful)
    func seeds(rule: AcceptanceName) throws {
        let (text, figures) = try Self.text(rule, seed: 3)
        let again = try Self.text(rule, seed: 3)
        #expect(again.tokens == text && again.figures == figures)
        #expect(try Self.text(rule, seed: 4).tokens != text)
    }

    @Test("at temperature 0 every rule gives the text of plain decoding", arguments: AcceptanceName.allCases)
    func greedy(rule: AcceptanceName) throws {
        let scenario = RejectionScenario(seed: 5, vocabulary: 6)
        var plain: [Token] = []
        while plain.count < 40 {
            plain.append(ScenarioAnswers.greedyToken(scenario.targetLaw(after: plain)))
        }
        #expect(try Self.text(rule, seed: 1, isGreedy: true).tokens == plain)
    }

    @Test("drafts from the target's own distribution are accepted as far as they go")
    func equalLaws() throws {
        for rule in [AcceptanceName.leviathan, .block, .recursive, .traversal, .specInfer] {
            let scenario = RejectionScenario(seed: 5, vocabulary: 6)
            let budget = MethodBudget(
                nodes: 4,
                depth: 4,
                width: 1,
                tokens: 40,
                planner: try PlannerSettings("chain:length=4"),
                acceptance: rule
            )
            let drafter = LawfulDrafter(scenario: scenario, isTarget: true)
            var run = try MethodRun([drafter], prompt: [1], sampling: SamplingParameters(seed: 2), budget: budget)
            var figures = MethodFigures()
            while !run.isOver {
                let answers = ScenarioAnswers(scenario, base: run.tokens, tree: try run.propose())
                figures.record(try run.take(run.decide(answers)))
            }
            #expect(figures.passes == 8 && figures.accepted == 32, "\(rule)")
        }
    }

    @Test("a correction that is the token of a drawn node does not make that node accepted")
    func corrections() throws {
        let scenario = RejectionScenario(seed: 5, vocabulary: 3)
        let budget = MethodBudget(nodes: 3, depth: 3, width: 1, tokens: 30, acceptance: .block)
        let sampling = SamplingParameters(seed: 1)
        var run = try MethodRun([LawfulDrafter(scenario: scenario)], prompt: [0], sampling: sampling, budget: budget)
        let tree = try run.propose()
        let verdict = Verdict(path: [], accepted: [], correction: tree.token(of: 0))
        let round = try run.take(verdict)
        #expect(round.path.isEmpty && round.tokens == [tree.token(of: 0)] && !round.isMissed)
        // The drafter goes on behind the new base.
        #expect(try run.propose().count == 3)
    }

    @Test("where the drafter's context is full the target goes on alone")
    func fullContext() throws {
        let scenario = RejectionScenario(seed: 5, vocabulary: 3)
        let budget = MethodBudget(nodes: 3, depth: 3, width: 1, tokens: 30, acceptance: .leviathan)
        let drafter = LawfulDrafter(scenario: scenario, contextLength: 6)
        var run = try MethodRun([drafter], prompt: [0], sampling: SamplingParameters(), budget: budget)
        while !run.isOver {
            let tree = try run.propose()
            #expect(tree.isEmpty == (1 + run.tokens.count > 3))
            _ = try run.take(run.decide(ScenarioAnswers(scenario, base: run.tokens, tree: tree)))
        }
        #expect(run.tokens.count == 30)
    }

    // MARK: What goes together

    @Test("what a rule cannot go with is said in one sentence with a way out")
    func objections() throws {
        let cases: [(AcceptanceName, String?, Bool, String?)] = [
            (.sampleMatch, "eagle-2", true, nil), (.typical, "eagle-2", true, nil), (.leviathan, nil, true, nil),
            (.leviathan, nil, false, nil), (.leviathan, "adaedl", false, nil), (.recursive, "eagle-2", false, nil),
            (.recursive, "dyspec", true, nil), (.traversal, "sequoia", true, nil), (.kSequential, "tree", true, nil),
            (.kSequential, nil, false, "independent draws"), (.multiPath, nil, false, "use leviathan"),
            (.block, "tree", true, "use --planner chain"), (.leviathan, "rsd-c", false, "verifies a chain"),
            (.recursive, "eagle-2", true, "chooses nodes by the tokens that were drawn"),
            (.traversal, "opt-tree", true, "use best-first"), (.recursive, "dyspec:threshold=0.1", true, "inexact"),
            (.specInfer, "rsd-s", true, "are distinct"), (.multiPath, "tree", true, "part at the base"),
            (.recursive, "goodput", true, "use chain"), (.leviathan, "adaedl", true, "use chain"),
        ]
        for (rule, planner, isDrawn, words) in cases {
            let objection = rule.objection(to: try planner.map { try PlannerSettings($0) }, isDrawn: isDrawn)
            guard let words else {
                #expect(objection == nil, "\(rule) \(planner ?? "")")
                continue
            }
            #expect(objection?.contains(words) == true, "\(rule) \(planner ?? ""): \(objection ?? "nothing")")
            #expect(objection?.contains("use ") == true && objection?.contains("\n") == false)
        }
    }

    @Test("no drawn tree is larger or deeper than a pass may be", arguments: lawful)
    func shapes(rule: AcceptanceName) throws {
        let scenario = RejectionScenario(seed: 5, vocabulary: 12)
        for name in [nil] + PlannerName.allCases.map(\.rawValue) {
            for (nodes, depth, width) in [(1, 1, 1), (2, 1, 3), (7, 3, 2), (16, 8, 3), (5, 32, 9)] {
                let planner = try name.map { try PlannerSettings($0) }
                let budget = MethodBudget(nodes: nodes, depth: depth, width: width, planner: planner, acceptance: rule)
                guard let shape = DrawnShape(budget) else { continue }
                var chance = UniformChance(seed: 3)
                let tree = shape.draw(chance: &chance) { scenario.draftLaw(after: $0) }
                var depths: [Int] = []
                for node in tree.nodes { depths.append((node.parent.map { depths[$0] } ?? 0) + 1) }
                #expect(tree.nodes.count <= nodes, "\(name ?? "") \(nodes)")
                // Sequoia's shape is empty where no node pays.
                #expect(!tree.nodes.isEmpty || name == "sequoia")
                #expect(depths.allSatisfy { $0 <= min(depth, shape.depth) })
            }
        }
    }

    @Test("rules for trees get trees of one shape, with siblings as they need them")
    func usualShapes() throws {
        let scenario = RejectionScenario(seed: 5, vocabulary: 12)
        for rule in Self.lawful {
            let budget = MethodBudget(nodes: 16, depth: 8, width: 3, acceptance: rule)
            var hasEqual = false
            for seed in 0..<UInt64(40) {
                var chance = UniformChance(seed: seed)
                let shape = try #require(DrawnShape(budget))
                let tree = shape.draw(chance: &chance) { scenario.draftLaw(after: $0) }
                let first = tree.children(of: nil).map { tree.nodes[$0].token }
                let isChain = rule == .leviathan || rule == .block
                #expect(first.count == (isChain ? 1 : 3) && tree.nodes.count == (isChain ? 8 : 15))
                hasEqual = hasEqual || Set(first).count < first.count
            }
            #expect(hasEqual == [.specInfer, .kSequential, .multiPath].contains(rule), "\(rule)")
        }
    }

    @Test("no token is drawn that the drafter holds for impossible")
    func impossible() throws {
        let law = try #require(TokenDistribution(weights: [0, 1, 0, 3, 0]))
        for replacement in [SampledTree.Replacement.with, .without] {
            var chance = UniformChance(seed: 3)
            let tree = SampledTree.levels(
                widths: [4, 1],
                replacement: replacement,
                law: { _ in law },
                chance: &chance
            )
            #expect(tree.nodes.allSatisfy { law[$0.token] > 0 })
            #expect(tree.children(of: nil).count == (replacement == .with ? 4 : 2))
        }
    }

    @Test("names are read with commas between, and unknown ones are refused with those that there are")
    func names() throws {
        #expect(try AcceptanceName.list("sample-match,k-seq") == [.sampleMatch, .kSequential])
        for text in ["", "block,", "blok", "Block"] {
            let error = try #require(throws: AcceptanceNameError.self) { try AcceptanceName.list(text) }
            #expect("\(error)".contains("leviathan, specinfer, recursive"))
        }
    }
}

/// Tells a scenario's distribution.
private struct LawfulDrafter: DistributionDrafter {
    let scenario: RejectionScenario
    var isGreedy = false
    var isTarget = false
    var contextLength = 4096
    private var text: [Token] = []
    private var promptLength = 0

    init(scenario: RejectionScenario, isGreedy: Bool = false, isTarget: Bool = false, contextLength: Int = 4096) {
        self.scenario = scenario
        self.isGreedy = isGreedy
        self.isTarget = isTarget
        self.contextLength = contextLength
    }

    var isModelFree: Bool { false }

    mutating func begin(base: [Token], sampling: SamplingParameters) { text = [] }

    mutating func advance(_ rerooting: Rerooting) { text += rerooting.committed }

    func law(_ tree: TokenTree, after node: NodeIndex?) throws -> TokenDistribution {
        let text = text + tree.tokens(onPathTo: node)
        let law = isTarget ? scenario.targetLaw(after: text) : scenario.draftLaw(after: text)
        return isGreedy ? ScenarioAnswers.certain(law) : law
    }

    func expand(_ tree: TokenTree, at nodes: [NodeIndex?], width: Int) throws -> [[Candidate]] {
        try nodes.map { node in
            let law = try law(tree, after: node)
            let tokens = law.probabilities.indices.map { Token($0) }.filter { law[$0] > 0 }
            return tokens.sorted { law[$0] > law[$1] }.prefix(width).map {
                Candidate(token: $0, logProbability: Float(Double.logarithm(law[$0])))
            }
        }
    }
}

/// Proposes the likeliest tokens of a scenario's distribution, without telling it.
private struct CertainDrafter: Drafter {
    private var inner: LawfulDrafter

    init(scenario: RejectionScenario) { inner = LawfulDrafter(scenario: scenario) }

    var isModelFree: Bool { false }

    mutating func begin(base: [Token], sampling: SamplingParameters) { inner.begin(base: base, sampling: sampling) }

    mutating func advance(_ rerooting: Rerooting) { inner.advance(rerooting) }

    func expand(_ tree: TokenTree, at nodes: [NodeIndex?], width: Int) throws -> [[Candidate]] {
        try inner.expand(tree, at: nodes, width: width)
    }
}

/// A scenario's target, asked about one tree.
private struct ScenarioAnswers: TargetAnswers {
    let scenario: RejectionScenario
    let base: [Token]
    let tree: TokenTree
    let isGreedy: Bool
    /// What plain decoding's choices come from.
    let uniform: Double

    init(
        _ scenario: RejectionScenario,
        base: [Token],
        tree: TokenTree,
        isGreedy: Bool = false,
        uniform: Double = 0.5
    ) {
        (self.scenario, self.base, self.tree) = (scenario, base, tree)
        (self.isGreedy, self.uniform) = (isGreedy, uniform)
    }

    func law(after node: NodeIndex?) -> TokenDistribution {
        let law = scenario.targetLaw(after: base + tree.tokens(onPathTo: node))
        return isGreedy ? Self.certain(law) : law
    }

    func choice(after node: NodeIndex?) -> Token {
        // Each position has a number of its own.
        let position = base.count + tree.depth(of: node)
        var generator = SplitMix(seed: uniform.bitPattern &+ UInt64(position))
        var chance = UniformChance { generator.nextUnit() }
        return chance.token(from: law(after: node))
    }

    static func greedyToken(_ law: TokenDistribution) -> Token {
        Token(law.probabilities.indices.max { (law.probabilities[$0], $1) < (law.probabilities[$1], $0) } ?? 0)
    }

    static func certain(_ law: TokenDistribution) -> TokenDistribution {
        TokenDistribution(certainly: greedyToken(law)) ?? law
    }
}
