import ArgumentParser
import Logging
import NIOPosix
import PacelineCluster
import PacelineMetrics
import PacelineModel
import PacelineServer
import PacelineSpeculation
import PacelineWire

/// `paceline worker`: drafts for verifiers.
struct WorkerCommand: ConfiguredCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker",
        abstract: "Draft candidate tokens for one or more verifiers.",
        discussion: """
            A worker can start before its verifiers, and reconnects when they come back. A model drafter must have the \
            target's vocabulary; the handshake checks it. A head also needs the target's file.

              paceline worker --connect 127.0.0.1:7411 -md qwen2.5-coder-0.5b -t 2
              paceline worker --connect 127.0.0.1:7411,127.0.0.1:7412 -md ngram -md suffix:memory=256MiB
              paceline worker --connect 127.0.0.1:7411 -md head:smollm2.head.gguf:target=smollm2-135m

            Several verifiers may share one name, as those of a headless Service of Kubernetes do. --discover finds \
            them, and follows as they come and go; of many it serves --max-verifiers:

              paceline worker --discover dns:paceline-link:7411 -md ngram --http 0.0.0.0:8080

            With --http, GET /health and /ready say whether it is connected, /livez whether its drafting thread is \
            alive, and /metrics what it did. They show figures and the addresses of verifiers, and need no key: nobody \
            can generate or read a text there.

            On SIGTERM its verifiers take their requests back at once, and it ends.

            Every long option is also an environment variable and a key of a YAML file (--config), in this order of \
            precedence: --slots 8, PACELINE_SLOTS=8, slots: 8. --check prints what holds, and where it comes from.
            """
    )

    @Option(help: ArgumentHelp("The verifiers' addresses, separated by commas.", valueName: "host:port,…"))
    var connect: EndpointList?

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp(
            "A name whose addresses are verifiers, looked up every few seconds; may be repeated. Port 7411 if none is "
                + "named. With TLS, their certificates must have that name.",
            valueName: "dns:name:port"
        ),
        transform: { try NameDiscovery(argument: $0, port: 7411) }
    )
    var discover: [NameDiscovery] = []

    @Option(
        help: ArgumentHelp(
            "Verifiers of --discover to serve at once, 1 to 256. With more, each worker picks its own, so that all "
                + "verifiers have about equally many workers.",
            valueName: "count"
        )
    )
    var maxVerifiers = 16

    @Option(help: ArgumentHelp("Address for probes and figures (default: none).", valueName: "host:port"))
    var http: Endpoint?

    @OptionGroup var drafters: DrafterOptions
    @OptionGroup var planning: PlannerOptions
    @OptionGroup var threads: ThreadOptions

    @Option(parsing: .unconditional, help: ArgumentHelp("Requests to draft for at once, 1 to 256.", valueName: "count"))
    var slots = 8

    @OptionGroup var link: LinkOptions
    @OptionGroup var service: ServiceOptions
    @OptionGroup var log: LogOptions
    @OptionGroup var configurationOptions: ConfigurationOptions

    var isJSON: Bool { service.announce }

    /// How long verifiers may take to take their requests back.
    private static let grace = Duration.seconds(2)

    func validate() throws {
        try validateRange(slots, 1...256, "--slots")
        try validateRange(maxVerifiers, 1...256, "--max-verifiers")
        guard !drafters.drafters.isEmpty else { throw ValidationError("-md must name a drafter, such as ngram") }
        guard connect != nil || !discover.isEmpty else {
            throw ValidationError(
                "--connect must name a verifier, such as 127.0.0.1:7411, or --discover a group of them"
            )
        }
    }

    func check() throws {
        _ = (try link.token(), try link.tls())
        _ = try WorkerConfiguration(hosting: drafters.names(), slots: slots)
    }

    func run() async throws {
        log.bootstrap(.info)
        threads.warnIfTooMany(unless: service)
        try await service.run { try await work() }
    }

    private func work() async throws {
        var configuration = try WorkerConfiguration(hosting: drafters.names(), slots: slots)
        configuration.link.token = try link.token()
        configuration.memberLimit = maxVerifiers
        configuration.draft.planner = planning.planner
        guard let http else { return try await draft(configuration) { _ in } }
        let port = WorkerPort(drafter: configuration.drafter, registry: registry())
        let server = HTTPServer(
            port.routes,
            configuration: HTTPServerConfiguration(),
            logger: Logger(label: "paceline.worker")
        )
        let settings = configuration
        try await server.serve(on: http, group: MultiThreadedEventLoopGroup.singleton) { address in
            try await draft(settings) { client in
                port.begin(client)
                var ready = Announcement(.ready)
                ready.http = "\(address)"
                try service.tell(ready)
            }
        }
    }

    /// What `/metrics` shows besides the worker's own figures.
    private func registry() -> PrometheusRegistry {
        let registry = PrometheusRegistry()
        registry.bootstrap()
        return registry
    }

    /// Drafts until the process is told to end.
    ///
    /// - Parameter onLoaded: called when the drafters are loaded.
    private func draft(_ configuration: WorkerConfiguration, onLoaded: (WorkerClient) throws -> Void) async throws {
        let names = try drafters.names()
        let (threads, slots, vocabulary) = (threads.count, slots, drafters.vocabulary)
        let client = try await WorkerClient.start(
            configuration,
            verifiers: connect?.endpoints ?? [],
            tls: try link.tls(),
            logger: Logger(label: "paceline.worker")
        ) { progress in
            try DrafterRoster(
                names,
                draftVocabulary: vocabulary,
                threads: threads,
                sequences: slots,
                seed: .random(in: .min ... .max),
                progress: progress
            )
        }
        Termination.becomeReady(leaving: Self.grace)
        try onLoaded(client)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await client.waitUntilEnded() }
            group.addTask {
                await Termination.waitForEnd()
                if !Task.isCancelled { try await client.drain(grace: Self.grace) }
                try await client.shutdown()
            }
            if !discover.isEmpty {
                group.addTask {
                    await client.follow(discover)
                    try await client.waitUntilEnded()
                }
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }
}

/// `HOST:PORT,HOST:PORT` on the command line.
struct EndpointList: ExpressibleByArgument {
    let endpoints: [Endpoint]

    init?(argument: String) {
        var endpoints: [Endpoint] = []
        for part in argument.split(separator: ",", omittingEmptySubsequences: false) {
            guard let endpoint = Endpoint(argument: String(part)), endpoint.port > 0 else { return nil }
            endpoints.append(endpoint)
        }
        self.endpoints = endpoints
    }
}

extension WorkerConfiguration {
    /// A worker that hosts `drafters`, whose models, heads and datastores must share one vocabulary.
    ///
    /// - Parameter target: the model of the verifier in whose process it drafts, if it does.
    init(hosting drafters: [DrafterName], for target: ModelFile? = nil, slots: Int) throws {
        let outlines = try drafters.map { try $0.outline(for: target) }
        var fingerprint: ModelFingerprint?
        for next in outlines.compactMap(\.fingerprint) {
            if let first = fingerprint, !first.sharesTokens(with: next, version: 2) {
                throw DrafterVocabularyError(first: first.model, second: next.model)
            }
            fingerprint = fingerprint ?? next
        }
        self.init(name: drafters.map(\.description).joined(separator: "+"), fingerprint: fingerprint)
        self.slots = slots
        var taps: [FeatureTap] = []
        for tap in outlines.flatMap(\.taps) where !taps.contains(tap) { taps.append(tap) }
        guard taps.count <= FeatureDemand.tapLimit else { throw DrafterNameError.headFeatures(taps.count) }
        features = taps.isEmpty ? nil : FeatureDemand(taps: taps)
        // A model's file, which a head needs too, has the tokenizer for this.
        usesConstraints = drafters.contains { $0.vocabularyPath != nil }
    }
}

/// Two drafters that cannot draft for the same target.
struct DrafterVocabularyError: Error, CustomStringConvertible {
    let first: String
    let second: String

    var description: String {
        "the drafters \(first) and \(second) have different vocabularies, so no target fits both; "
            + "run a separate worker for each"
    }
}
