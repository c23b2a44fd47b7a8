import ArgumentParser
import Logging
import NIOPosix
import PacelineCluster
import PacelineModel
import PacelineServer
import PacelineSpeculation
import PacelineTensor
import PacelineWire

/// `asynchronous` or `stop-and-wait` on the command line.
extension DraftingMode: ExpressibleByArgument {}

/// `paceline verifier`: hosts the target, serves clients over HTTP and workers over the draft link.
struct VerifierCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verifier",
        abstract: "Host the target model for clients over HTTP and draft workers over TCP.",
        discussion: """
            Also serves without workers. Workers may come and go at any time; they never change a token.

              paceline verifier -m qwen2.5-coder-1.5b
              curl http://127.0.0.1:8080/v1/completions -d '{"prompt": "def fib(n):", "max_tokens": 64, "stream": true}'

            With -md it drafts for itself, in its own process: worth it where processors would idle.

              paceline verifier -m qwen2.5-coder-1.5b -md ngram -md suffix

            GET /health, /ready, /metrics, /v1/models and /v1/workers report its state.

            To accept workers from other machines, it must authenticate them: with a shared token,

              paceline verifier -m qwen2.5-coder-1.5b --listen 0.0.0.0:7411 --token-file token

            or with certificates (--tls-certificate, --tls-key, --tls-ca; Deploy/certs.sh makes some for trials). \
            Clients over HTTP are not authenticated: put a proxy in front that does so.
            """
    )

    @OptionGroup var model: ModelOptions

    @Option(help: ArgumentHelp("Address for workers; port 0 picks a free port.", valueName: "host:port"))
    var listen = Endpoint(host: "127.0.0.1", port: 7411)

    @Option(help: ArgumentHelp("Address for clients; port 0 picks a free port.", valueName: "host:port"))
    var http = Endpoint(host: "127.0.0.1", port: 8080)

    @Option(
        name: [.customLong("np", withSingleDash: true), .customLong("slots")],
        parsing: .unconditional,
        help: ArgumentHelp("Requests to run at once, 1 to 256; others wait.", valueName: "slots")
    )
    var slots = 4

    @Option(
        help: ArgumentHelp(
            "asynchronous: workers draft on while a pass runs. stop-and-wait: the classic protocol, for comparisons.",
            valueName: "mode"
        )
    )
    var drafting = DraftingMode.asynchronous

    @Option(
        help: ArgumentHelp(
            "Longest time that a pass may wait for drafts, 0 to 10s.",
            valueName: "duration"
        )
    )
    var draftWait = DurationArgument(VerifierConfiguration().maximumWait)

    @Option(
        help: ArgumentHelp(
            """
            How much later than a plain pass a token may come because of drafts, 0 to 10s: the wait for them plus \
            their verification. Large targets gain from a longer delay.
            """,
            valueName: "duration"
        )
    )
    var draftDelay = DurationArgument(VerifierConfiguration().delayLimit)

    @Option(
        help: ArgumentHelp(
            "How long running requests may take to finish after SIGTERM, 0 to 3600s; new ones are refused.",
            valueName: "duration"
        )
    )
    var grace = DurationArgument(.seconds(30))

    @Flag(
        name: .customLong("always-draft"),
        help: "Let every worker draft all the time, even where drafting was measured to be slower than plain decoding."
    )
    var alwaysDraft = false

    @Flag(
        name: .customLong("allow-unauthenticated-http"),
        help: "Let --http be an address that other machines can reach; anyone who can connect may use the model."
    )
    var allowUnauthenticatedHTTP = false

    @OptionGroup var drafters: DrafterOptions

    @Option(
        name: [.customLong("td", withSingleDash: true), .customLong("threads-draft")],
        parsing: .unconditional,
        help: ArgumentHelp("Threads of each drafter with a model, 1 to 256.", valueName: "count")
    )
    var draftThreads = 1

    @OptionGroup var link: LinkOptions
    @OptionGroup var context: ContextOptions
    @OptionGroup var cache: CacheOptions
    @OptionGroup var threads: ThreadOptions
    @OptionGroup var service: ServiceOptions
    @OptionGroup var log: LogOptions

    func validate() throws {
        try validateRange(slots, 1...256, "--slots")
        try validateRange(draftThreads, ThreadOptions.range, "--threads-draft")
        let durations = DurationArgument(.zero)...DurationArgument(.seconds(10))
        try validateRange(draftWait, durations, "--draft-wait")
        try validateRange(draftDelay, durations, "--draft-delay")
        try validateRange(grace, DurationArgument(.zero)...DurationArgument(.seconds(3600)), "--grace")
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
        let file = try ModelFile(path: model.path())
        let contextLength = try context.length(for: file.configuration)
        let logger = Logger(label: "paceline.verifier")
        let gateway = Gateway()
        let respond: GatewayServer.Responder = { try await gateway.respond(to: $0, $1) }
        let bounds = GatewayConfiguration(contextLength: contextLength, tokenizer: file.tokenizer)
        try await GatewayServer(configuration: bounds, logger: logger).serve(
            on: http,
            group: MultiThreadedEventLoopGroup.singleton,
            respond: respond
        ) { http in
            let server = try await load(
                file,
                contextLength: contextLength,
                token: token,
                tls: tls,
                logger: logger
            )
            Termination.becomeReady(leaving: grace.duration)
            let served = ServedModel(
                id: ModelNames.label(model.model),
                tokenizer: file.tokenizer,
                contextLength: contextLength
            )
            gateway.begin(serving: CompletionService(model: served, backend: server, logger: logger))
            try announce(server, http: http, since: start)
            logger.info("serving \(served.id) at http://\(http), workers at \(server.endpoint)")
            try describe(http: http, to: logger)
            await Termination.waitForEnd()
            gateway.drain()
            if !Task.isCancelled { try await finish(server, gateway, logger) }
            try await server.shutdown()
        }
    }

    /// Tells the process that started this one that requests and workers can come.
    private func announce(_ server: VerifierServer, http: Endpoint, since start: ContinuousClock.Instant) throws {
        var ready = Announcement(.ready)
        (ready.drafts, ready.http) = ("\(server.endpoint)", "\(http)")
        ready.loadMS = start.duration(to: .now).inMilliseconds
        try service.tell(ready)
    }

    /// Gives running requests the grace period to finish and to send their answers.
    private func finish(_ server: VerifierServer, _ gateway: Gateway, _ logger: Logger) async throws {
        let grace = grace.duration
        logger.info("draining: new requests are refused, running ones have \(self.grace) to finish")
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await server.drain(grace: grace)
                await gateway.waitUntilIdle()
            }
            group.addTask { try await Task.sleep(for: grace) }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func describe(http: Endpoint, to logger: Logger) throws {
        if try !http.isLoopback() { logger.warning("anyone who can reach http://\(http) may use the model") }
        let blas = OpenBLAS.core.map { ", float weights with OpenBLAS for \($0)" } ?? ""
        logger.info("computing with \(InstructionSet.best.rawValue) on \(threads.count) threads\(blas)")
    }

    /// Throws for an address that other machines can reach without authentication, before the model loads.
    private func checkReach(isAuthenticated: Bool) throws {
        guard try isAuthenticated || listen.isLoopback() else { throw ShellError.openLink(address: "\(listen)") }
        guard try allowUnauthenticatedHTTP || http.isLoopback() else { throw ShellError.openHTTP(address: "\(http)") }
    }

    private func load(
        _ file: ModelFile,
        contextLength: Int,
        token: SharedToken?,
        tls: LinkTLS?,
        logger: Logger
    ) async throws -> VerifierServer {
        var configuration = VerifierConfiguration()
        configuration.slots = slots
        configuration.adopt(drafting)
        configuration.maximumWait = draftWait.duration
        configuration.delayLimit = draftDelay.duration
        configuration.restsDrafting = !alwaysDraft && !configuration.waitsForWorkers
        configuration.link.token = token
        let progress = LoadProgress("loading \(ModelNames.label(model.model))", service: service)
        let (threads, slots, cacheType) = (threads.count, slots, cache.type)
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

    /// A worker of this process for each drafter; throws for one that cannot draft for the target.
    private func residents(for target: ModelFile) throws -> [ResidentDrafters] {
        let fingerprint = try ModelFingerprint(modelAt: target.path)
        return try drafters.names().map { name in
            let worker = try WorkerConfiguration(hosting: [name], slots: slots)
            if let own = worker.fingerprint, !own.sharesTokens(with: fingerprint, version: 2) {
                throw TargetVocabularyError(drafter: own.model, target: fingerprint.model)
            }
            let (threads, slots, vocabulary) = (draftThreads, slots, drafters.vocabulary)
            return ResidentDrafters(worker) { progress in
                try DrafterRoster(
                    [name],
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
