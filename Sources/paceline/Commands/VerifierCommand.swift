import ArgumentParser
import Foundation
import Logging
import NIOPosix
import PacelineCluster
import PacelineMetrics
import PacelineModel
import PacelineServer
import PacelineSpeculation
import PacelineTensor
import PacelineWire

/// `paceline verifier`: hosts the target, serves clients over HTTP and workers over the draft link.
struct VerifierCommand: ConfiguredCommand {
    static let configuration = CommandConfiguration(
        commandName: "verifier",
        abstract: "Host the target model for clients over HTTP and draft workers over TCP.",
        discussion: """
            Also serves without workers. Workers may come and go at any time; they never change a token.

              paceline verifier -m qwen2.5-coder-1.5b
              curl http://127.0.0.1:8080/v1/completions -d '{"prompt": "def fib(n):", "max_tokens": 64, "stream": true}'

            With -md it drafts for itself, in its own process: worth it where processors would idle. That is the best \
            place for a head, which reads what the target computes:

              paceline verifier -m qwen2.5-coder-1.5b -md ngram+suffix+grammar
              paceline verifier -m smollm2-135m -md head:smollm2.head.gguf

            A browser shows at / what it does, down to the token tree of a request. GET /health, /livez, /ready, \
            /metrics, /v1/models, /v1/workers and /v1/requests report its state.

            Every long option is also an environment variable and a key of a YAML file (--config), in this order of \
            precedence: --slots 8, PACELINE_SLOTS=8, slots: 8. --check prints what holds, and where it comes from.

            To accept workers from other machines, it must authenticate them: with a shared token,

              paceline verifier -m qwen2.5-coder-1.5b --listen 0.0.0.0:7411 --token-file token

            or with certificates (--tls-certificate, --tls-key, --tls-ca; Deploy/certs.sh makes some for trials). \
            Clients authenticate themselves with a key (--api-key-file), and the server with --ssl-cert-file.
            """
    )

    @OptionGroup var model: ModelOptions
    @OptionGroup var template: ChatTemplateOption

    @Option(help: ArgumentHelp("Address for workers; port 0 picks a free port.", valueName: "host:port"))
    var listen = Endpoint(host: "127.0.0.1", port: 7411)

    @Option(
        name: .customLong("served-model-name"),
        parsing: .upToNextOption,
        help: ArgumentHelp("Names by which clients may ask for the model; by default that of -m.", valueName: "name")
    )
    var servedNames: [String] = []

    @OptionGroup(title: "Scheduling") var scheduling: SchedulingOptions
    @OptionGroup(title: "Clients") var clients: HTTPOptions
    @OptionGroup var drafters: DrafterOptions
    @OptionGroup var planning: PlannerOptions

    @Option(
        name: [.customLong("td", withSingleDash: true), .customLong("threads-draft")],
        parsing: .unconditional,
        help: ArgumentHelp("Threads of each drafter with a model, 1 to 256.", valueName: "count")
    )
    var draftThreads = 1

    @Option(
        name: .customLong("trace-requests"),
        help: ArgumentHelp(
            "Requests whose rounds are remembered after their end, 0 to 4096: see paceline trace.",
            valueName: "requests"
        )
    )
    var traceRequests = VerifierConfiguration().traceLimit

    @OptionGroup var link: LinkOptions
    @OptionGroup var context: ContextOptions
    @OptionGroup var cache: CacheOptions
    @OptionGroup var threads: ThreadOptions
    @OptionGroup var service: ServiceOptions
    @OptionGroup var log: LogOptions
    @OptionGroup var configurationOptions: ConfigurationOptions

    var isJSON: Bool { service.announce }

    func validate() throws {
        try validateRange(draftThreads, ThreadOptions.range, "--threads-draft")
        try validateRange(traceRequests, 0...4096, "--trace-requests")
    }

    func check() throws {
        let (token, tls) = (try link.token(), try link.tls())
        try checkReach(isAuthenticated: token != nil || tls != nil)
        _ = try context.length(for: template.open(model.path()).configuration)
    }

    /// Throws for an address that other machines can reach without authentication, before the model loads.
    private func checkReach(isAuthenticated: Bool) throws {
        guard try isAuthenticated || listen.isLoopback() else { throw ShellError.openLink(address: "\(listen)") }
        try clients.checkReach()
    }

    func run() async throws {
        log.bootstrap(.info)
        threads.warnIfTooMany(unless: service)
        let start = ContinuousClock.now
        try await service.run { try await serve(since: start) }
    }

    private func serve(since start: ContinuousClock.Instant) async throws {
        let token = try link.token()
        let tls = try link.tls()
        try checkReach(isAuthenticated: token != nil || tls != nil)
        let file = try template.open(model.path())
        let contextLength = try context.length(for: file.configuration)
        let logger = Logger(label: "paceline.verifier")
        let metrics = metrics()
        let lifecycle = ServerLifecycle(metrics: metrics)
        var configuration = HTTPServerConfiguration(contextLength: contextLength, tokenizer: file.tokenizer)
        try clients.apply(to: &configuration, logger: logger)
        try await HTTPServer(lifecycle, configuration: configuration, logger: logger).serve(
            on: clients.http,
            group: MultiThreadedEventLoopGroup.singleton
        ) { http in
            let server = try await load(
                file,
                contextLength: contextLength,
                token: token,
                tls: tls,
                logger: logger
            )
            metrics.begin(reading: server.board, of: server.target)
            Termination.becomeReady(leaving: clients.drainDelay.duration + clients.grace.duration)
            let served = try servedModel(file, contextLength: contextLength)
            let build = "paceline \(PacelineVersion.current)"
            lifecycle.begin(serving: Services(model: served, backend: server, build: build, logger: logger))
            try announce(server, http: http, since: start)
            logger.info("serving \(served.id) at \(clients.url(http)), workers at \(server.endpoint)")
            try describe(to: logger)
            await Termination.waitForEnd()
            if !Task.isCancelled { try await finish(server, lifecycle, logger) }
            try await server.shutdown()
        }
    }

    private func servedModel(_ file: ModelFile, contextLength: Int) throws -> ServedModel {
        try ServedModel(
            names: servedNames,
            root: ModelNames.label(model.model),
            model: file,
            contextLength: contextLength,
            slots: scheduling.slots,
            created: Int(Date().timeIntervalSince1970),
            numerics: file.numerics(cacheType: cache.type)
        )
    }

    /// What `/metrics` shows; from here on it holds what libraries record in this process.
    private func metrics() -> ServerMetrics {
        let registry = PrometheusRegistry()
        registry.bootstrap()
        return ServerMetrics(modelName: ModelNames.label(model.model), registry: registry)
    }

    /// Tells the process that started this one that requests and workers can come.
    private func announce(_ server: VerifierServer, http: Endpoint, since start: ContinuousClock.Instant) throws {
        var ready = Announcement(.ready)
        (ready.drafts, ready.http) = ("\(server.endpoint)", "\(http)")
        ready.loadMS = start.duration(to: .now).inMilliseconds
        try service.tell(ready)
    }

    private func finish(_ server: VerifierServer, _ lifecycle: ServerLifecycle, _ logger: Logger) async throws {
        let grace = clients.grace.duration
        try await clients.leave(
            beginLeaving: { lifecycle.beginLeaving() },
            drain: { lifecycle.drain() },
            waitUntilIdle: {
                try await server.drain(grace: grace)
                await lifecycle.requests.waitUntilIdle()
            },
            logger
        )
    }

    private func describe(to logger: Logger) throws {
        try clients.warn(logger)
        let blas = OpenBLAS.core.map { ", float weights with OpenBLAS for \($0)" } ?? ""
        logger.info("computing with \(InstructionSet.best.rawValue) on \(threads.count) threads\(blas)")
    }

    private func load(
        _ file: ModelFile,
        contextLength: Int,
        token: SharedToken?,
        tls: LinkTLS?,
        logger: Logger
    ) async throws -> VerifierServer {
        var configuration = VerifierConfiguration()
        scheduling.apply(to: &configuration)
        configuration.link.token = token
        configuration.traceLimit = traceRequests
        let progress = LoadProgress("loading \(ModelNames.label(model.model))", service: service)
        let (threads, slots, cacheType) = (threads.count, scheduling.slots, cache.type)
        defer { progress.clear() }
        let residents = try residents(for: file)
        return try await VerifierServer.start(
            configuration,
            listen: listen,
            tls: tls,
            residents: residents,
            logger: logger
        ) { compute in
            try LoadedTarget.transformer(
                file,
                threads: threads,
                contextLength: contextLength,
                cacheType: cacheType,
                sequences: slots
            ) { fraction in
                compute.advance()
                progress.update(fraction)
            }
        }
    }

    /// A worker of this process for each drafter, or for those with + between; throws for one that cannot draft for the
    /// target.
    private func residents(for target: ModelFile) throws -> [ResidentDrafters] {
        let fingerprint = try ModelFingerprint(modelAt: target.path)
        return try drafters.drafters.map(DrafterName.group).map { names in
            var worker = try WorkerConfiguration(hosting: names, for: target, slots: scheduling.slots)
            worker.draft.planner = planning.planner
            worker.usesConstraints = true
            if let own = worker.fingerprint, !own.sharesTokens(with: fingerprint, version: 2) {
                throw TargetVocabularyError(drafter: own.model, target: fingerprint.model)
            }
            let (threads, slots, vocabulary) = (draftThreads, scheduling.slots, drafters.vocabulary)
            return ResidentDrafters(worker) { progress in
                try DrafterRoster(
                    names,
                    target: target,
                    draftVocabulary: vocabulary,
                    threads: threads,
                    sequences: slots,
                    seed: .random(in: .min ... .max),
                    progress: progress
                )
            }
        }
    }
}

/// A drafter whose tokens are not the target's.
struct TargetVocabularyError: Error, CustomStringConvertible {
    let drafter: String
    let target: String

    var description: String {
        "the drafter \(drafter) does not have the vocabulary of the target \(target), so it cannot draft for it; "
            + "use a smaller model of the same family, or ngram"
    }
}
