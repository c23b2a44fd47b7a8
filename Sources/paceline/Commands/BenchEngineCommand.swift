import ArgumentParser
import PacelineModel
import PacelineTensor

/// `paceline bench engine`: the machine's limits, and how close a model's passes come to them.
struct BenchEngineCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "engine",
        abstract: "Measure a model's passes against the machine's memory bandwidth and arithmetic.",
        discussion: """
            Decoding one token reads every weight once, so memory bandwidth bounds it. Speculation pays when a pass \
            over n drafted tokens takes little longer than a pass over one; the column "ratio" shows this. Each figure \
            stands beside its limit, measured in the same run. If its share is well below 100 %, the engine is to \
            blame and not the machine. "limits' ratio" is the smallest "ratio" that the limits allow. The limit \
            "kernels" is the engine's own: the time its matrix products take when all data is in the caches.

            `paceline bench cluster --cost-curve` reads the "verify_ms" that --json prints.
            """
    )

    @OptionGroup var model: ModelOptions
    @OptionGroup var cache: CacheOptions
    @OptionGroup var threads: ThreadOptions

    @Option(help: ArgumentHelp("Rows per verify pass, 1 to 65536.", valueName: "1,2,4"))
    var nodes: CountList = CountList(counts: [1, 2, 4, 8, 16, 32])

    @Option(help: ArgumentHelp("Prompt tokens for the prefill measurement, 1 to 4096.", valueName: "count"))
    var prefill = 512

    @Option(
        help: ArgumentHelp(
            "Context lengths for the decode measurement (default: 64, 1024, 4096 and 8192 if the model allows).",
            valueName: "64,1024"
        )
    )
    var contexts: CountList?

    @Option(help: ArgumentHelp("Rounds, 1 to 100; each figure is the median of all.", valueName: "count"))
    var repeats = 5

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        try validateRange(prefill, 1...4096, "--prefill")
        try validateRange(repeats, 1...100, "--repeats")
    }

    func run() throws {
        threads.warnIfTooMany()
        let (model, startup) = try load()
        let line = ProgressLine("measuring \(ModelNames.label(self.model.model))")
        let report = try EngineBenchmark(model: model, schedule: schedule(for: model)).run { share, step in
            line.update(share, step: step)
        }
        line.clear()
        let name = ModelNames.label(self.model.model)
        try json
            ? StandardOutput.json(EngineReportJSON(report, startup: startup, model: name))
            : StandardOutput.write(EngineReportText(report, startup: startup).text)
    }

    /// Loads the model and computes a first token; the report says how long both took.
    private func load() throws -> (LanguageModel, StartupReport) {
        let path = try model.path()
        let line = ProgressLine("loading \(ModelNames.label(model.model))")
        let clock = ContinuousClock()
        let start = clock.now
        let model = try LanguageModel(
            ModelFile(path: path),
            compute: Compute(threads: threads.count),
            cacheType: cache.type,
            progress: line.update
        )
        let loaded = clock.now
        try model.computeFirstToken()
        let first = clock.now
        line.clear()
        return (model, try StartupReport(load: loaded - start, firstToken: first - start, fileBytes: model.fileBytes))
    }

    private func schedule(for model: LanguageModel) throws -> EngineBenchmark.Schedule {
        let limit = model.configuration.contextLength
        var schedule = EngineBenchmark.Schedule()
        schedule.nodes = nodes.counts
        schedule.contexts = contexts?.counts ?? [64, 1024, 4096, 8192].filter { $0 < limit }
        schedule.prefill = prefill
        schedule.repeats = repeats
        guard schedule.longestSequence <= limit else {
            throw ValidationError(
                "the measurements need \(schedule.longestSequence) tokens of context, but the model has \(limit); "
                    + "lower --contexts, --prefill or --nodes"
            )
        }
        return schedule
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
