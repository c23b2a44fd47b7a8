import PacelineLoad
import PacelineSpeculation

/// A line on a terminal that shows how far a load test is; silent if standard error is not a terminal.
struct LoadProgressBar {
    private static let width = 24

    /// What stands before the bar.
    let label: String
    /// When the plan ends, or how many requests it sends.
    let plan: LoadMachine.Plan
    private let isShown = StandardError.isTerminal

    init(_ label: String, plan: LoadMachine.Plan) {
        self.label = label
        self.plan = plan
    }

    func show(_ state: LoadTurn.State) {
        if isShown { StandardError.write("\r\u{1B}[K" + line(state)) }
    }

    func clear() {
        if isShown { StandardError.write("\r\u{1B}[K") }
    }

    func line(_ state: LoadTurn.State) -> String {
        let seconds = max(0.001, state.elapsed.inMilliseconds / 1000)
        let share = min(1, max(0, share(state)))
        let filled = Int(share * Double(Self.width))
        let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: Self.width - filled)
        let rate = (Double(state.outputTokens) / seconds).formatted(decimals: 0)
        let counts = "\(state.outstanding) under way, \(state.completed) answered, \(state.failed) failed"
        return "\(label) [\(bar)] \(Int(share * 100)) %  \(counts), \(rate) tokens/s"
    }

    private func share(_ state: LoadTurn.State) -> Double {
        switch plan.limit {
        case .time(let length): state.elapsed / max(.milliseconds(1), plan.warmup + length)
        case .requests(let count): Double(state.completed + state.failed) / Double(max(1, count))
        }
    }
}
