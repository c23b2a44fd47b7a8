import ArgumentParser
import PacelineModel
import PacelineTensor

/// `paceline bench engine`: what the hardware allows, and how much of it a model's passes reach.
struct BenchEngineCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "engine",
        abstract: "Measure a model's passes against the machine's memory bandwidth and arithmetic.",
        discussion: """
            Decoding one token reads every weight once, so memory bandwidth bounds it. Speculation pays when a pass over n \
            drafted tokens takes little longer than a pass over one: the column "ratio".
            """
    )

    @OptionGroup var model: ModelOptions
    @OptionGroup var threads: ThreadOptions

    @Option(help: ArgumentHelp("Rows of the verify passes.", valueName: "1,2,4"))
    var nodes: CountList = CountList(counts: [1, 2, 4, 8, 16, 32])

    @Option(help: ArgumentHelp("Prompt tokens of the prefill measurement, 1 to 4096.", valueName: "count"))
    var prefill = 128

    @Option(help: ArgumentHelp("Tokens of context to measure decoding at.", valueName: "64,1024"))
    var contexts: CountList = CountList(counts: [64, 1024])

    @Option(help: ArgumentHelp("Runs per figure, 1 to 100; the median counts.", valueName: "count"))
    var repeats = 5

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        try validateRange(prefill, 1...4096, "--prefill")
        try validateRange(repeats, 1...100, "--repeats")
    }

    func run() throws {
        let path = try model.path()
        let line = ProgressLine("loading \(ModelNames.label(model.model))")
        let clock = ContinuousClock()
        let start = clock.now
        let compute = try Compute(threads: threads.count)
        let model = try LanguageModel(path: path, compute: compute, progress: line.update)
        let loading = clock.now - start
        line.clear()
        var plan = EngineBenchmark.Plan()
        plan.nodes = nodes.counts
        plan.prefill = prefill
        plan.contexts = contexts.counts
        plan.repeats = repeats
        try checkContext(plan, model)
        let report = try EngineBenchmark(model: model, plan: plan).run { step in
            if StandardError.isTerminal { StandardError.write("\r\u{1B}[K\(step)") }
        }
        if StandardError.isTerminal { StandardError.write("\r\u{1B}[K") }
        let printed = EngineReportJSON(report, model: ModelNames.label(self.model.model), loading: loading)
        try json ? StandardOutput.json(printed) : StandardOutput.write(EngineReportText(report, loading: loading).text)
    }

    private func checkContext(_ plan: EngineBenchmark.Plan, _ model: LanguageModel) throws {
        let longest = max(plan.prefill, plan.contexts.max() ?? 0, plan.context + (plan.nodes.max() ?? 0))
        guard longest < model.configuration.contextLength else {
            throw ValidationError(
                "the measurements need \(longest + 1) tokens of context, but the model has \(model.configuration.contextLength)"
            )
        }
    }
}

/// `1,2,4` on the command line: counts from 1 to 65536.
struct CountList: ExpressibleByArgument {
    let counts: [Int]

    init(counts: [Int]) {
        self.counts = counts
    }

    init?(argument: String) {
        let parts = argument.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
        let counts = parts.compactMap(\.self).filter { (1...65_536).contains($0) }
        guard !counts.isEmpty, counts.count == parts.count else { return nil }
        self.counts = counts
    }

    var defaultValueDescription: String { counts.map(String.init).joined(separator: ",") }
}
