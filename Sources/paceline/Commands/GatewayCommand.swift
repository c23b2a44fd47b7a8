import ArgumentParser
import Glibc
import Logging
import NIOCore
import NIOPosix
import PacelineCluster
import PacelineGateway
import PacelineMetrics
import PacelineServer

/// `paceline gateway`: one address for several verifiers of one model.
struct GatewayCommand: ConfiguredCommand {
    static let configuration = CommandConfiguration(
        commandName: "gateway",
        abstract: "One address for several verifiers of one model, whose streams outlive any of them.",
        discussion: """
            Requests go to the verifier with the least left to do, or to one that has read the beginning of the prompt \
            before. When a verifier dies, hangs or ends in the middle of a stream, another one goes on with it: the \
            client gets the same bytes as without the fault, since tokens depend on nothing but the request.

              paceline verifier -m smollm2-135m --listen 127.0.0.1:7411 --http 127.0.0.1:8081
              paceline verifier -m smollm2-135m --listen 127.0.0.1:7412 --http 127.0.0.1:8082
              paceline gateway --verifier 127.0.0.1:8081 127.0.0.1:8082 --http 127.0.0.1:8080

            Verifiers may come and go; --discover finds them by a name that has all their addresses, and follows \
            changes:

              paceline gateway --discover dns:verifiers.default.svc:8080 --http 0.0.0.0:8080 --api-key-file keys

            Clients' keys go on to the verifiers. GET /health, /livez, /ready and /metrics report the gateway's own \
            state; browsers see it at /, with the way to each verifier's own dashboard.
            """
    )

    @OptionGroup var replicas: ReplicaOptions
    @OptionGroup(title: "Clients") var clients: HTTPOptions
    @OptionGroup var service: ServiceOptions
    @OptionGroup var log: LogOptions
    @OptionGroup var configurationOptions: ConfigurationOptions

    var isJSON: Bool { service.announce }

    /// Bytes of a body. Four may come at once, and each verifier that is tried gets a copy.
    private static let bodyLimit = 1 << 25

    func check() throws {
        try clients.checkReach()
        try checkCertificates()
    }

    private func checkCertificates() throws {
        guard let file = replicas.certificates, access(file, R_OK) != 0 else { return }
        throw ValidationError("--verifier-ca \(file) cannot be read; name a file of certificates (PEM)")
    }

    func run() async throws {
        log.bootstrap(.info)
        try await service.run { try await serve() }
    }

    private func serve() async throws {
        try check()
        let logger = Logger(label: "paceline.gateway")
        let registry = PrometheusRegistry()
        registry.bootstrap()
        // One loop for both sides of every stream: what comes in on it goes out on it, without waking another thread.
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let http = try httpConfiguration(logger)
        let gateway = try await startGateway(on: group.next(), logger)
        let running = RequestCount()
        let build = "paceline \(PacelineVersion.current)"
        let server = HTTPServer(
            gateway.routes(registry: registry, build: build, requiresKey: http.keys != nil),
            requests: running,
            isEnding: { gateway.isEnding },
            configuration: http,
            logger: logger
        )
        do {
            try await server.serve(on: clients.http, group: group) { address in
                try await work(gateway, running, at: address, logger)
                try await gateway.shutdown()
            }
        } catch {
            // The first error is the one to tell.
            try? await gateway.shutdown()
            throw error
        }
    }

    private func httpConfiguration(_ logger: Logger) throws -> HTTPServerConfiguration {
        var http = HTTPServerConfiguration()
        (http.bodyLimit, http.bodyMemory) = (Self.bodyLimit, 4 * Self.bodyLimit)
        http.connectionLimit = max(http.connectionLimit, replicas.requestLimit)
        try clients.apply(to: &http, logger: logger)
        return http
    }

    private func startGateway(on eventLoop: any EventLoop, _ logger: Logger) async throws -> Gateway {
        var configuration = GatewayConfiguration()
        configuration.requestLimit = replicas.requestLimit
        return try await Gateway.start(
            configuration,
            certificates: replicas.certificates,
            on: eventLoop,
            logger: logger
        )
    }

    private func work(_ gateway: Gateway, _ running: RequestCount, at address: Endpoint, _ logger: Logger) async throws
    {
        Termination.becomeReady(leaving: clients.drainDelay.duration + clients.grace.duration)
        gateway.use(replicas.verifiers, from: "command line")
        var ready = Announcement(.ready)
        ready.http = "\(address)"
        try service.tell(ready)
        logger.info("gateway at \(clients.url(address))")
        try clients.warn(logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for name in replicas.names { group.addTask { await follow(name, gateway, logger) } }
            group.addTask {
                await Termination.waitForEnd()
                if !Task.isCancelled { try await finish(gateway, running, logger) }
                throw CancellationError()
            }
            // Names are followed until the end, which shows as an error.
            defer { group.cancelAll() }
            do {
                while try await group.next() != nil {}
            } catch is CancellationError {}
        }
    }

    /// Keeps the gateway's verifiers equal to the addresses of a name.
    private func follow(_ name: NameDiscovery, _ gateway: Gateway, _ logger: Logger) async {
        await name.watch { answer in
            switch answer {
            case .success(let endpoints):
                logger.info("\(name) is \(endpoints.map { "\($0)" }.joined(separator: ", "))")
                gateway.use(endpoints.map { ReplicaAddress($0) }, from: "\(name)")
            case .failure(let error):
                logger.warning("\(name) cannot be looked up, so its last addresses hold: \(error)")
            }
        }
    }

    private func finish(_ gateway: Gateway, _ running: RequestCount, _ logger: Logger) async throws {
        try await clients.leave(
            beginLeaving: { gateway.beginLeaving() },
            drain: { gateway.drain() },
            waitUntilIdle: { await running.waitUntilIdle() },
            logger
        )
    }
}
