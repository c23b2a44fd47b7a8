import ArgumentParser
import Logging
import NIOPosix
import PacelineCluster
import PacelineGateway
import PacelineModel
import PacelineSpeculation
import PacelineTensor

/// `paceline verifier`: hosts the target, serves clients over HTTP and workers over the draft link.
struct VerifierCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verifier",
        abstract: "Host the target model: clients come over HTTP, draft workers over TCP.",
        discussion: """
            Serves without any worker, too; workers may come and go at any time and change no token.

              paceline verifier -m qwen2.5-coder-1.5b
              curl http://127.0.0.1:8080/v1/completions -d '{"prompt": "def fib(n):", "max_tokens": 64, "stream": true}'

            GET /health, /ready, /v1/models and /v1/workers tell how it is.

            Other machines can reach it only if it knows who may: workers must share its token,

              paceline verifier -m qwen2.5-coder-1.5b --listen 0.0.0.0:7411 --token-file token

            or show a certificate (--tls-certificate, --tls-key, --tls-ca; Deploy/certs.sh makes some to try with), \
            and clients over HTTP, whom nothing checks, need a proxy that does.
            """
    )

    @OptionGroup var model: ModelOptions

    @Option(help: ArgumentHelp("Where workers connect; port 0 takes any free one.", valueName: "host:port"))
    var listen = Endpoint(host: "127.0.0.1", port: 7411)

    @Option(help: ArgumentHelp("Where clients connect; port 0 takes any free one.", valueName: "host:port"))
    var http = Endpoint(host: "127.0.0.1", port: 8080)

    @Option(
        name: [.customLong("np", withSingleDash: true), .customLong("slots")],
        parsing: .unconditional,
        help: ArgumentHelp("Requests that run at once, 1 to 256; others wait.", valueName: "slots")
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
            "How long a pass may wait for drafts at most, 0 to 10s.",
            valueName: "duration"
        )
    )
    var draftWait = DurationArgument(VerifierConfiguration().maximumWait)

    @Option(
        help: ArgumentHelp(
            """
            By how much drafts may delay a token beyond a plain pass, 0 to 10s: the wait for them and what their \
            verification takes, together. Large targets gain by more.
            """,
            valueName: "duration"
        )
    )
    var draftDelay = DurationArgument(VerifierConfiguration().delayLimit)

    @Option(
        help: ArgumentHelp(
            "How long SIGTERM leaves running requests to finish, 0 to 3600s; others are refused from then on.",
            valueName: "duration"
        )
    )
    var grace = DurationArgument(.seconds(30))

    @Flag(
        name: .customLong("always-draft"),
        help: "Let every worker draft all the time, also where that is measured to be slower than decoding alone."
    )
    var alwaysDraft = false

    @Flag(
        name: .customLong("allow-unauthenticated-http"),
        help: "Let --http be an address that other machines can reach. Whoever can connect may then use the model."
    )
    var allowUnauthenticatedHTTP = false

    @OptionGroup var link: LinkOptions
    @OptionGroup var context: ContextOptions
    @OptionGroup var cache: CacheOptions
    @OptionGroup var threads: ThreadOptions
    @OptionGroup var service: ServiceOptions
    @OptionGroup var log: LogOptions

    func validate() throws {
        try validateRange(slots, 1...256, "--slots")
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
            var ready = Announcement(.ready)
            (ready.drafts, ready.http) = ("\(server.endpoint)", "\(http)")
            ready.loadMS = start.duration(to: .now).inMilliseconds
            try service.tell(ready)
            logger.info("serving \(served.id) at http://\(http), workers at \(server.endpoint)")
            try describe(http: http, to: logger)
            await Termination.waitForEnd()
            gateway.drain()
            if !Task.isCancelled { try await finish(server, gateway, logger) }
            try await server.shutdown()
        }
    }

    /// Lets running requests end and their answers leave, in the time there is.
    private func finish(_ server: VerifierServer, _ gateway: Gateway, _ logger: Logger) async throws {
        let grace = grace.duration
        logger.info("leaving: no more requests are taken, those that run have \(self.grace)")
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
        if try !http.isLoopback() { logger.warning("whoever can reach http://\(http) may use the model") }
        let blas = OpenBLAS.core.map { ", float weights with OpenBLAS for \($0)" } ?? ""
        logger.info("computing with \(InstructionSet.best.rawValue) on \(threads.count) threads\(blas)")
    }

    /// Refuses addresses that let strangers in, before the model is loaded.
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
        return try await VerifierServer.start(configuration, listen: listen, tls: tls, logger: logger) { compute in
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
}
