import ArgumentParser
import Logging
import PacelineCluster
import PacelineServer

/// Where clients connect, who may, and how.
struct HTTPOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Address for clients; port 0 picks a free port.", valueName: "host:port"))
    var http = Endpoint(host: "127.0.0.1", port: 8080)

    @Option(
        name: .customLong("api-key-file"),
        help: ArgumentHelp(
            """
            A file with the API keys that clients may use, one a line; # begins a comment. It is read again when it \
            changes. Probes (/health, /livez, /ready, /metrics) need no key.
            """,
            valueName: "file"
        )
    )
    var apiKeyFile: String?

    @Option(
        name: .customLong("api-key"),
        help: ArgumentHelp(
            "An API key that clients may use; may be repeated. Other users of this machine can see it.",
            valueName: "key"
        )
    )
    var apiKeys: [String] = []

    @Flag(
        name: .customLong("allow-unauthenticated-http"),
        help: "Let --http be an address that other machines can reach; anyone who can connect may use the model."
    )
    var allowUnauthenticatedHTTP = false

    @Option(
        name: .customLong("ssl-cert-file"),
        help: ArgumentHelp(
            """
            Serve HTTPS with this certificate (PEM), followed by any intermediate certificates. It is read again when \
            it changes.
            """,
            valueName: "file"
        )
    )
    var certificateFile: String?

    @Option(
        name: .customLong("ssl-key-file"),
        help: ArgumentHelp("The certificate's private key (PEM).", valueName: "file")
    )
    var keyFile: String?

    @Option(
        help: ArgumentHelp(
            "Let scripts of this web origin use the server from a browser, such as https://example.org; * for all.",
            valueName: "origin"
        )
    )
    var cors: String?

    @Option(
        name: .customLong("drain-delay"),
        help: ArgumentHelp(
            """
            How long new requests are still accepted after SIGTERM, 0 to 3600s, while /ready and /health say that no \
            more should come.
            """,
            valueName: "duration"
        )
    )
    var drainDelay = DurationArgument(.zero)

    @Option(
        help: ArgumentHelp(
            "How long running requests may take to finish after that, 0 to 3600s; new ones are refused.",
            valueName: "duration"
        )
    )
    var grace = DurationArgument(.seconds(30))

    func validate() throws {
        guard (certificateFile == nil) == (keyFile == nil) else {
            throw ValidationError("--ssl-cert-file and --ssl-key-file go together; name both")
        }
        if let cors, cors.isEmpty || !cors.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) {
            throw ValidationError("--cors must be an origin such as https://example.org, or *")
        }
        let durations = DurationArgument(.zero)...DurationArgument(.seconds(3600))
        try validateRange(drainDelay, durations, "--drain-delay")
        try validateRange(grace, durations, "--grace")
    }

    /// Reads the files that the options name into `configuration`.
    ///
    /// - Throws: ``APIKeyError``, ``ServerTLSError``; ``ShellError`` for an address that other machines can reach
    ///   without a key.
    func apply(to configuration: inout HTTPServerConfiguration, logger: Logger) throws {
        if apiKeyFile != nil || !apiKeys.isEmpty {
            configuration.keys = try APIKeys(apiKeys, file: apiKeyFile, logger: logger)
        }
        if let certificateFile, let keyFile {
            configuration.tls = try ServerTLS(certificate: certificateFile, key: keyFile, logger: logger)
        }
        configuration.allowedOrigin = cors
    }

    /// Throws for an address that other machines can reach without a key.
    func checkReach() throws {
        guard try allowUnauthenticatedHTTP || hasKeys || http.isLoopback() else {
            throw ShellError.openHTTP(address: "\(http)")
        }
    }

    /// Says what strangers could do.
    func warn(_ logger: Logger) throws {
        guard try !http.isLoopback() else { return }
        if !hasKeys { logger.warning("anyone who can reach \(url(http)) may use the model") }
        if certificateFile == nil {
            logger.warning("prompts, texts and keys travel to \(url(http)) in the clear; --ssl-cert-file encrypts them")
        }
    }

    /// Lets load balancers notice that the process ends, then gives running requests the grace period to finish.
    ///
    /// - Parameters:
    ///   - beginLeaving: says so to who asks; requests are still served.
    ///   - drain: ends that.
    ///   - waitUntilIdle: returns when no request runs any more and all answers are sent.
    func leave(
        beginLeaving: () -> Void,
        drain: () -> Void,
        waitUntilIdle: @escaping @Sendable () async throws -> Void,
        _ logger: Logger
    ) async throws {
        beginLeaving()
        if drainDelay.duration > .zero {
            logger.info("not ready any more; requests are still accepted for \(drainDelay)")
            try await Task.sleep(for: drainDelay.duration)
        }
        drain()
        logger.info("draining: new requests are refused, running ones have \(grace) to finish")
        try await withThrowingTaskGroup(of: Void.self) { [grace = grace.duration] group in
            group.addTask { try await waitUntilIdle() }
            group.addTask { try await Task.sleep(for: grace) }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    /// How clients name the server at `address`.
    func url(_ address: Endpoint) -> String {
        (certificateFile == nil ? "http://" : "https://") + "\(address)"
    }

    private var hasKeys: Bool { apiKeyFile != nil || !apiKeys.isEmpty }
}
