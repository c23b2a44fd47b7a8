import Testing

@testable import PacelineSpeculation

@Suite("Methods on recorded text")
struct MethodRunTests {
    private static let budget = MethodBudget(nodes: 6, depth: 4, width: 2, tokens: 60)

    private static func run(
        _ drafters: [any Drafter],
        _ prompt: [Token],
        _ budget: MethodBudget = budget,
        ends: Set<Token> = []
    ) throws -> MethodRun {
        try MethodRun(drafters, prompt: prompt, sampling: .greedy, budget: budget, ends: ends)
    }

    @Test("whatever the drafters do, the generated text is the recorded one", arguments: [0, 40, 90, 100])
    func text(reliability: UInt64) throws {
        let target = ScriptedTarget(seed: 3, vocabulary: 50)
        let prompt: [Token] = [1, 2, 3]
        let stream = PlainStream(target.continuation(of: prompt, count: 60))
        let drafter = ScriptedDrafter(target: target, reliability: reliability)
        var run = try Self.run([drafter, NGramDrafter()], prompt)
        var figures = MethodFigures()
        try stream.replay(&run) { figures.record($0) }
        #expect(run.isOver && run.tokens == stream.tokens)
        #expect(figures.tokens == 60 && figures.passes <= 60)
        // Every token is accepted or a correction; the last round may lack one.
        #expect([60, 61].contains(figures.accepted + figures.passes))
        #expect(figures.wasted == figures.drafted - figures.accepted && figures.wasted >= 0)
        if reliability == 100 { #expect(figures.passes == 12 && figures.acceptance(atDepth: 4) == 1) }
    }

    @Test("a target that answers live gives the same rounds as its recorded text")
    func live() throws {
        let target = ScriptedTarget(seed: 8, vocabulary: 40)
        let prompt: [Token] = [4, 5]
        let end = target.continuation(of: prompt, count: 200)[57]
        let drafter = ScriptedDrafter(target: target, reliability: 70)
        var plain = try Self.run([], prompt, ends: [end])
        while !plain.isOver {
            let tree = try plain.propose()
            #expect(tree.isEmpty)
            _ = try plain.take([target.nextToken(after: prompt + plain.tokens)])
        }
        var recorded: [MethodRound] = []
        var replayed = try Self.run([drafter], prompt, ends: [end])
        try PlainStream(plain.tokens).replay(&replayed) { recorded.append($0) }
        var live = try Self.run([drafter], prompt, ends: [end])
        var rounds: [MethodRound] = []
        while !live.isOver {
            let base = prompt + live.tokens
            let tree = try live.propose()
            let verdict = SampleMatch().verdict(on: tree) { node in
                target.nextToken(after: base + tree.tokens(onPathTo: node))
            }
            rounds.append(try live.take(verdict.tokens))
        }
        #expect(live.tokens == plain.tokens && replayed.tokens == plain.tokens)
        #expect(plain.tokens.last == end)
        #expect(rounds.map(\.tree) == recorded.map(\.tree))
        #expect(rounds.map(\.path) == recorded.map(\.path))
        #expect(rounds.map(\.tokens) == recorded.map(\.tokens))
    }

    @Test("what a verdict has beyond the end of the text or the budget does not count")
    func clipped() throws {
        let text: [Token] = [10, 11, 12, 13, 14, 15, 16, 17]
        for (budget, ends, kept) in [(3, Set<Token>(), 3), (8, [12], 3), (8, [], 8)] {
            let limits = MethodBudget(nodes: 8, depth: 8, width: 1, tokens: budget)
            var run = try Self.run([FixedDrafter(text: text)], [1], limits, ends: ends)
            var figures = MethodFigures()
            _ = try run.propose()
            figures.record(try run.take(text + [18]))
            #expect(run.isOver && run.tokens == Array(text.prefix(kept)))
            #expect(figures.tokens == kept && figures.accepted == kept && figures.passes == 1)
            #expect(figures.taken == Array(repeating: 1, count: kept) && figures.reached == figures.taken)
        }
    }

    @Test("a correction that was drafted, but not among the verified nodes, is told")
    func missed() throws {
        let limits = MethodBudget(nodes: 1, depth: 1, width: 2, tokens: 8)
        var run = try Self.run([FixedDrafter(text: [10], second: 20)], [1], limits)
        #expect(try run.propose().map(\.token) == [10])
        let round = try run.take([20])
        #expect(round.isMissed && round.path.isEmpty && round.drafted == 2)
        var figures = MethodFigures()
        figures.record(round)
        #expect(figures.missed == 1 && figures.acceptance(atDepth: 1) == 0)
    }

    @Test("a planner shapes the trees that are verified, and changes no token")
    func planner() throws {
        let text: [Token] = [10, 11, 12, 13, 14, 15]
        var limits = MethodBudget(nodes: 4, depth: 4, width: 2, tokens: 6)
        for (planner, roots) in [("chain", 1), ("tree:width=2,depth=2", 2)] {
            limits.planner = try PlannerSettings(planner)
            var run = try Self.run([FixedDrafter(text: text, second: 20)], [1], limits)
            let tree = try run.propose()
            #expect(tree.filter { $0.parent == nil }.count == roots, "\(tree)")
            while !run.isOver {
                _ = try run.take(Array(text[run.tokens.count...].prefix(2)))
                if !run.isOver { _ = try run.propose() }
            }
            #expect(run.tokens == text)
        }
    }

    @Test("the expected number of accepted nodes is the sum of the probabilities of all paths")
    func expected() throws {
        let tree = try TokenTree([
            .init(parent: nil, token: 1, logProbability: Float(Double.logarithm(0.5))),
            .init(parent: 0, token: 2, logProbability: Float(Double.logarithm(0.5))),
            .init(parent: nil, token: 3, logProbability: Float(Double.logarithm(0.25))),
        ])
        let round = MethodRound(tree: tree, path: [], tokens: [9], drafted: 3, isMissed: false)
        #expect(abs(round.expected - 1) < 1e-6)
    }
}

/// Proposes the next token of a text, and a less probable one.
private struct FixedDrafter: Drafter {
    let text: [Token]
    var second: Token?
    var isModelFree: Bool { false }

    init(text: [Token], second: Token? = nil) {
        self.text = text
        self.second = second
    }

    func begin(base: [Token], sampling: SamplingParameters) {}

    func expand(_ tree: TokenTree, at nodes: [NodeIndex?], width: Int) -> [[Candidate]] {
        nodes.map { node in
            let depth = tree.depth(of: node)
            guard depth < text.count else { return [] }
            let others = second.map { [Candidate(token: $0, logProbability: -3)] } ?? []
            return [Candidate(token: text[depth], logProbability: -0.1)] + others
        }
    }

    func advance(_ rerooting: Rerooting) {}
}
