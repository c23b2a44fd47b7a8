import HTTPTypes
import Hummingbird
import HummingbirdCore
import HummingbirdTLS
package import Logging
package import NIOCore
package import PacelineCluster
import ServiceLifecycle

/// Serves a table of routes over HTTP/1.1, as a Hummingbird application.
package struct HTTPServer: Sendable {
    /// How long answers and connections have to end once the server is told to.
    private static let shutdownLimit = Duration.milliseconds(500)

    private let routes: RouteTable
    private let requests: RequestCount
    private let isEnding: @Sendable () -> Bool
    private let configuration: HTTPServerConfiguration
    private let logger: Logger

    /// - Parameters:
    ///   - requests: counts the requests that are being answered, other than probes.
    ///   - isEnding: whether every connection ends with its next answer.
    package init(
        _ routes: RouteTable,
        requests: RequestCount = RequestCount(),
        isEnding: @escaping @Sendable () -> Bool = { false },
        configuration: HTTPServerConfiguration = HTTPServerConfiguration(),
        logger: Logger
    ) {
        self.routes = routes
        self.requests = requests
        self.isEnding = isEnding
        self.configuration = configuration
        self.logger = logger
    }

    /// A server of a verifier's API and of its dashboard.
    package init(
        _ lifecycle: ServerLifecycle,
        configuration: HTTPServerConfiguration = HTTPServerConfiguration(),
        logger: Logger
    ) {
        let dashboard = Dashboard(
            VerifierDashboard(lifecycle),
            page: .verifier,
            requiresKey: configuration.keys != nil
        )
        self.init(
            RouteTable(lifecycle.routes.routes + dashboard.routes),
            requests: lifecycle.requests,
            isEnding: { lifecycle.isEnding },
            configuration: configuration,
            logger: logger
        )
    }

    /// Serves `address` for as long as `body` runs.
    ///
    /// - Parameter body: gets the address that was bound, whose port is real even if 0 was asked for.
    /// - Throws: ``ShellError`` when the address cannot be bound, and what `body` throws.
    package func serve(
        on address: Endpoint,
        group: any EventLoopGroup,
        while body: @escaping @Sendable (Endpoint) async throws -> Void
    ) async throws {
        let (bound, source) = AsyncStream.makeStream(of: Endpoint.self)
        let application = try application(on: address, group: group) { channel in
            source.yield(Endpoint(host: address.host, port: channel.localAddress?.port ?? address.port))
            source.finish()
        }
        // Signals are the business of the process.
        let service = ServiceGroup(services: [application], gracefulShutdownSignals: [], logger: quiet)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                do {
                    try await service.run()
                } catch  where !(error is CancellationError) {
                    throw ShellError(listeningOn: address, error)
                }
            }
            tasks.addTask {
                guard let endpoint = await bound.first(where: { _ in true }) else { return }
                try await body(endpoint)
                await service.triggerGracefulShutdown()
                try await Task.sleep(for: Self.shutdownLimit)
            }
            defer { tasks.cancelAll() }
            try await tasks.next()
        }
    }

    private func application(
        on address: Endpoint,
        group: any EventLoopGroup,
        onRunning: @escaping @Sendable (any Channel) async -> Void
    ) throws -> some ApplicationProtocol {
        var server = HTTPServerBuilder { [configuration, isEnding] responder in
            ServerConnection(configuration, isEnding: isEnding, respond: responder)
        }
        if let tls = configuration.tls { server = try .tls(server, configuration: tls.channelConfiguration()) }
        return Application(
            responder: router().buildResponder(),
            server: server,
            configuration: ApplicationConfiguration(address: .hostname(address.host, port: address.port)),
            services: (configuration.keys?.services ?? []) + (configuration.tls?.services ?? []),
            onServerRunning: onRunning,
            eventLoopGroupProvider: .shared(group),
            logger: quiet
        )
    }

    /// Hummingbird and ServiceLifecycle tell of every start and stop, and call cancellation an error. What matters to
    /// the user is thrown.
    private var quiet: Logger {
        var logger = logger
        logger.logLevel = .critical
        return logger
    }

    // MARK: Requests

    private func router() -> Router<ServerContext> {
        let router = Router(context: ServerContext.self, options: .autoGenerateHeadEndpoints)
        router.add(middleware: RequestIdentity())
        router.add(middleware: AccessLog(routes: routes, logger: logger))
        if let origin = configuration.allowedOrigin { router.add(middleware: CrossOrigin(origin: origin)) }
        router.add(middleware: ErrorAnswers(logger: logger, reply: configuration.errorReply))
        if let keys = configuration.keys { router.add(middleware: Authentication(keys: keys, routes: routes)) }
        router.add(middleware: KnownRoutes(routes: routes))
        let memory = BodyMemory(limit: configuration.bodyLimit, bytes: configuration.bodyMemory)
        for route in routes.routes {
            router.on(RouterPath(route.path), method: route.method) { [requests] request, context in
                try await Self.respond(to: request, context, by: route, requests, memory)
            }
        }
        return router
    }

    private static func respond(
        to request: Request,
        _ context: ServerContext,
        by route: Route,
        _ requests: RequestCount,
        _ memory: BodyMemory
    ) async throws -> Response {
        let running = route.isProbe ? nil : requests.enter()
        let body = try await memory.read(request)
        let request = APIRequest(
            id: context.requestID,
            tenant: context.tenant,
            trace: context.trace,
            method: request.method,
            path: request.uri.path,
            name: route.name(in: request.uri.path),
            query: Dictionary(
                request.uri.queryParameters.map { (String($0.key), String($0.value)) },
                uniquingKeysWith: { first, _ in first }
            ),
            headers: request.headers,
            body: body.bytes,
            tally: context.tally
        )
        let reply = try await route.handler(request)
        switch reply {
        case .whole(let bytes, let contentType, let status, let headers):
            var response = Response(bytes, contentType: contentType, status: status)
            response.headers.append(contentsOf: route.headers() + headers)
            return response
        case .events(let headers, let write):
            let events = ResponseBody { [channel = context.channel] writer in
                // Only now is the request answered.
                defer { withExtendedLifetime((running, body)) {} }
                try await write(EventWriter(channel))
                try await writer.finish(nil)
            }
            return Response(status: .ok, headers: eventHeaders + route.headers() + headers, body: events)
        }
    }

    private static let eventHeaders: HTTPFields = [
        .contentType: EventStream.contentType, .cacheControl: "no-cache", .xAccelBuffering: "no",
    ]
}
