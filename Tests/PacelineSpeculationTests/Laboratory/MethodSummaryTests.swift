import Testing

@testable import PacelineSpeculation

@Suite("Figures of methods")
struct MethodSummaryTests {
    /// A cell whose rounds had a chain of 2 nodes each, of which `accepted` were taken.
    private static func cell(_ accepted: [Int], _ trials: [MethodCell.Trial], prompt: Int = 0) throws -> MethodCell {
        let tree = try TokenTree([
            .init(parent: nil, token: 1, logProbability: -1), .init(parent: 0, token: 2, logProbability: -1),
        ])
        var figures = MethodFigures()
        for count in accepted {
            let tokens = [Token](repeating: 7, count: count + 1)
            figures.record(
                MethodRound(tree: tree, path: Array(0..<count), tokens: tokens, drafted: 2, isMissed: false)
            )
        }
        let key = MethodCell.Key(sampling: "greedy", prompt: prompt, method: "m")
        return MethodCell(key, category: "a", figures: figures, trials: trials)
    }

    @Test("acceptance by depth counts the times that the target came to a parent")
    func depths() throws {
        let cells = [
            try Self.cell([2, 0, 1, 2], [.init(drafting: 1)]), try Self.cell([0, 0], [.init(drafting: 1)], prompt: 1),
        ]
        let summary = MethodSummary(cells)
        #expect(summary.figures.reached == [6, 3] && summary.figures.taken == [3, 2])
        #expect(summary.acceptance.map(\.mean) == [0.5, 2.0 / 3])
        // Of 3/4 and 0 in the first depth; in the second only one prompt came so deep.
        #expect(abs(summary.acceptance[0].deviation - 0.75 / 2.0.squareRoot()) < 1e-12)
        #expect(summary.acceptance[1].deviation == 0)
        #expect(summary.figures.tokensPerPass == 11.0 / 6)
        #expect(summary.figures.meanAcceptanceLength == 1 + 5.0 / 6)
        #expect(summary.speedUp == nil && summary.tokensPerSecond == nil && summary.verifying == nil)
    }

    @Test("rounds without a tree count as passes, and not for the mean acceptance length")
    func withoutTree() {
        var figures = MethodFigures()
        figures.record(MethodRound(tree: TokenTree(), path: [], tokens: [1], drafted: 0, isMissed: false))
        #expect(figures.tokensPerPass == 1 && figures.meanAcceptanceLength == nil && figures.drafts == 0)
    }

    @Test("times are medians of trials, a category's speed-up is that of its total time, and the worst prompt is told")
    func speed() throws {
        let fast = [1.0, 2, 30].map { MethodCell.Trial(drafting: 0, verifying: $0, plain: 6) }
        let slow = [MethodCell.Trial(drafting: 2, verifying: 6, plain: 4)]
        let summary = MethodSummary([try Self.cell([1], fast), try Self.cell([1], slow, prompt: 1)])
        #expect(summary.speedUp == 1 && summary.worst == 0.5)
        #expect(summary.drafting == 1 && summary.verifying == 4 && summary.tokensPerSecond == 400)
        #expect(MethodSummary.median([]) == nil && MethodSummary.median([1, 4]) == 2.5)
    }
}

@Suite("The search for the fastest method")
struct MethodSearchTests {
    @Test("the fastest of many methods wins, and the slower half leaves early", arguments: 1...9)
    func finds(count: Int) {
        var search = MethodSearch(methods: count)
        var runs = 0
        for prompt in 0..<8 {
            for method in search.contenders {
                // Each prompt disturbs all methods alike.
                search.record(method, speedUp: Double(1 + (method * 5 + 3) % count) * (prompt % 2 == 0 ? 1.5 : 1.2))
                runs += 1
            }
            search.finishPrompt()
        }
        let fastest = (0..<count).max { ($0 * 5 + 3) % count < ($1 * 5 + 3) % count }
        #expect(search.best == fastest && search.standings.first?.prompts == 8)
        #expect(search.contenders.count == min(2, count))
        #expect(runs <= 8 * 2 + 3 * count)
    }

    @Test("if nothing is faster than plain decoding, plain decoding is the answer")
    func plain() {
        var search = MethodSearch(methods: 2)
        #expect(search.best == nil)
        search.record(0, speedUp: 0.9)
        search.record(1, speedUp: 0.99)
        search.record(1, speedUp: .nan)
        search.finishPrompt()
        #expect(search.best == nil && search.standings.map(\.method) == [1, 0])
    }
}
