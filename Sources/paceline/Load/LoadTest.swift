import PacelineLoad
import PacelineSpeculation

/// A whole load test: one turn, or pairs of plain and speculative turns.
struct LoadTest: Sendable {
    /// Of a comparison; the raw values are the names in reports.
    enum Side: String, Sendable, CaseIterable {
        case plain, speculative
    }

    let client: LoadClient
    let prompts: LoadPrompts
    let shared: LoadRequestBody.Shared
    /// The seed of the schedule is the same for both sides of a pair.
    let plan: @Sendable (_ pair: Int) -> LoadMachine.Plan
    /// Pairs of turns of a comparison; nil for a single turn.
    let pairs: Int?
    let limits: GoodputLimits?

    /// The figures of all turns, in the order of their names.
    struct Outcome: Sendable {
        var figures: [(name: String, figures: LoadFigures)] = []
        var comparison: LoadComparison?
        var reachedOutstandingLimit = false
    }

    /// Runs all turns, one after the other. A cancelled task gets the figures so far.
    func run() async -> Outcome {
        guard let pairs else {
            var texts = TextComparison()
            let (figures, result) = await turn("load", plan(0), shared, first: 0, texts: &texts)
            return Outcome(figures: [("all", figures)], reachedOutstandingLimit: result.reachedOutstandingLimit)
        }
        var outcome = Outcome()
        var texts = TextComparison()
        var measured: [(plain: LoadFigures, speculative: LoadFigures)] = []
        var first = 0
        for pair in 0..<pairs where !Task.isCancelled {
            var figures: [Side: LoadFigures] = [:]
            var sent = 0
            // Who is first alternates, so that a drift of the machine favours neither.
            for side in pair.isMultiple(of: 2) ? Side.allCases : Side.allCases.reversed() {
                let label = "\(side.rawValue), turn \(pair + 1) of \(pairs)"
                let (own, result) = await turn(label, plan(pair), shared(side, pair), first: first, texts: &texts)
                figures[side] = own
                sent = max(sent, result.sent)
                outcome.reachedOutstandingLimit = outcome.reachedOutstandingLimit || result.reachedOutstandingLimit
            }
            first += sent
            texts.nextPair()
            measured.append((figures[.plain] ?? LoadFigures(), figures[.speculative] ?? LoadFigures()))
        }
        outcome.figures = Side.allCases.map { side in
            var all = LoadFigures(limits: limits)
            for pair in measured { all.merge(side == .plain ? pair.plain : pair.speculative) }
            return (side.rawValue, all)
        }
        outcome.comparison = LoadComparison(measured, texts: texts)
        return outcome
    }

    /// Both sides have the same prompts, and neither finds what the other computed for them.
    private func shared(_ side: Side, _ pair: Int) -> LoadRequestBody.Shared {
        var shared = shared
        shared.mostDrafted = side == .plain ? 0 : nil
        shared.cacheSalt = "\(shared.seed)-\(side.rawValue)-\(pair)"
        return shared
    }

    private func turn(
        _ label: String,
        _ plan: LoadMachine.Plan,
        _ shared: LoadRequestBody.Shared,
        first: Int,
        texts: inout TextComparison
    ) async -> (LoadFigures, LoadTurn.Result) {
        var figures = LoadFigures(limits: limits)
        let bar = LoadProgressBar(label, plan: plan)
        let turn = LoadTurn(client: client, prompts: prompts, shared: shared, plan: plan, firstPrompt: first)
        let result = await turn.run(show: bar.show) { record in
            figures.add(record)
            texts.add(record)
        }
        bar.clear()
        return (figures, result)
    }
}
