import ArgumentParser
import AsyncHTTPClient
import NIOPosix
import PacelineLoad

/// `paceline bench serve`: latency and throughput of a server under load.
struct BenchServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Put load on a server with OpenAI's API, and measure what its clients see.",
        discussion: """
            An open loop (--rate) sends requests on a schedule that is fixed before the first one. A closed loop \
            (--concurrency) sends the next request when an answer ends; it cannot show what happens when more come in \
            than the server can do.

              paceline bench serve --rate 4 --duration 60s --warmup 5s --goodput ttft:200ms,itl:50ms
              paceline bench serve --concurrency 8 --requests 200 --dataset prompts.jsonl --chat --json
              paceline bench serve --concurrency 4 --compare --svg compare.svg

            Latencies count from the time when a request was due, not from when it was sent. So a server that stalls \
            cannot hide what it made others wait (coordinated omission), and neither can this program.

              ttft   from the due time to the first part of the answer that has text
              itl    the time between one part with text and the next, as in vLLM's "bench serve": a part may carry \
            several tokens, as it does when drafts are accepted, and counts once. Parts without text, such as the role \
            or the finish reason, are left out, which vLLM counts.
              tpot   from the first text to the last, for each token after the first: vLLM's TPOT, and what guidellm \
            and AIPerf call inter-token latency
              e2e    from the due time to the end of the answer
              lag    how late this program sent requests; a warning tells if it could not keep up

            Tokens are those of "usage". Throughput is over the time from the first measured request's due time to the \
            last one's end. Goodput counts the requests that keep every limit; itl limits a request's longest gap.

            --compare asks in turns with "speculative.n_max": 0 and without, the same prompts on the same schedule, \
            and prints the ratios; Paceline and llama-server know that field. No turn finds in a cache what another \
            computed, and the texts of both are compared.
            """
    )

    @OptionGroup(title: "Server") var server: LoadTargetOptions
    @OptionGroup(title: "Load") var pace: LoadPaceOptions
    @OptionGroup(title: "Requests") var prompts: LoadPromptOptions

    @Option(
        help: ArgumentHelp(
            "Count the requests that keep these limits on ttft, itl, tpot and e2e.",
            valueName: "ttft:200ms,itl:50ms,e2e:5s"
        ),
        transform: { try GoodputLimits($0) }
    )
    var goodput: GoodputLimits?

    @Flag(help: "Compare plain and speculative decoding, in turns of --duration or --requests each.")
    var compare = false

    @Option(help: ArgumentHelp("Turns of each side of a comparison, 1 to 100.", valueName: "count"))
    var turns = 3

    @Option(help: ArgumentHelp("Write a plot of latency by percentile to this SVG file.", valueName: "file"))
    var svg: String?

    @Option(
        help: ArgumentHelp(
            "Write the distributions in milliseconds to FILE with -ttft, -itl … before its extension (.hgrm).",
            valueName: "file"
        )
    )
    var hdr: String?

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        try validateRange(turns, 1...100, "--turns")
    }

    func run() async throws {
        try await Termination.run(isService: false) { try await measure() }
    }

    private func measure() async throws {
        DescriptorLimit.raise()
        let connections = max(pace.concurrency ?? pace.mostOutstanding, 8)
        try await HTTPClient.withHTTPClient(
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
            configuration: LoadClient.configuration(connections: connections)
        ) { http in
            var client = LoadClient(try server.target(), http: http, timeout: server.timeout.duration)
            try await client.choose(model: server.model)
            let seed = prompts.seed ?? UInt64.random(in: 0..<(1 << 53))
            let outcome = try await test(client, seed: seed).run()
            try write(outcome, report: report(outcome, client.target, seed: seed))
        }
    }

    private func test(_ client: LoadClient, seed: UInt64) async throws -> LoadTest {
        LoadTest(
            client: client,
            prompts: try await prompts.prompts(client: client, seed: seed),
            shared: LoadRequestBody.Shared(
                model: client.target.model,
                api: client.target.api,
                maxTokens: prompts.maxTokens,
                temperature: prompts.temperature,
                seed: seed,
                ignoresEnd: prompts.ignoresEnd ?? (prompts.dataset == nil)
            ),
            plan: { [pace] pair in pace.plan(seed: seed &+ UInt64(pair)) },
            pairs: compare ? turns : nil,
            limits: goodput
        )
    }

    private func report(_ outcome: LoadTest.Outcome, _ target: LoadTarget, seed: UInt64) -> LoadReport {
        var setting = LoadReport.Setting(
            url: target.base,
            model: target.model,
            endpoint: target.api.rawValue,
            prompts: prompts.description,
            maxTokens: prompts.maxTokens,
            warmup: pace.warmup.duration,
            seed: seed
        )
        setting.rate = pace.rate
        setting.arrivals = pace.rate.map { _ in pace.arrivals.rawValue }
        setting.concurrency = pace.concurrency
        switch pace.limit {
        case .time(let length): setting.durationSeconds = length / .seconds(1)
        case .requests(let count): setting.requests = count
        }
        setting.turns = compare ? turns : nil
        setting.goodput = goodput.map { limits in
            Dictionary(uniqueKeysWithValues: limits.limits.map { ($0.key.rawValue, $0.value / .milliseconds(1)) })
        }
        return LoadReport(
            setting: setting,
            isInterrupted: Task.isCancelled,
            results: outcome.figures.map { name, figures in
                LoadResult(name, figures, isOpenLoop: pace.rate != nil, hasGoodput: goodput != nil)
            },
            comparison: outcome.comparison,
            warnings: LoadWarnings(
                outcome.figures,
                comparison: outcome.comparison,
                reachedOutstandingLimit: outcome.reachedOutstandingLimit,
                isInterrupted: Task.isCancelled
            ).sentences
        )
    }

    private func write(_ outcome: LoadTest.Outcome, report: LoadReport) throws {
        if let svg { try OutputFile.write(LoadPlot(report, outcome.figures).svg, "the plot", to: svg) }
        if let hdr { try HDRFiles(path: hdr).write(outcome.figures) }
        try json ? StandardOutput.json(report) : StandardOutput.write(LoadReportText(report).text)
        guard report.results.allSatisfy({ $0.requests.completed == 0 }), !report.isInterrupted else { return }
        let examples = outcome.figures.flatMap { $0.figures.notes.sorted { $0.key.rawValue < $1.key.rawValue } }
        throw LoadError.nothingAnswered(reason: examples.first?.value ?? "none was sent")
    }
}
