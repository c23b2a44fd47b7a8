import ArgumentParser
import PacelineCluster
import PacelineGateway

/// Which verifiers stand behind a gateway.
struct ReplicaOptions: ParsableArguments {
    @Option(
        name: .customLong("verifier"),
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "Where verifiers answer HTTP: HOST:PORT, or https://HOST:PORT; may be repeated.",
            valueName: "address"
        )
    )
    var verifiers: [ReplicaAddress] = []

    @Option(
        name: .customLong("discover"),
        help: ArgumentHelp(
            """
            A name whose addresses are all verifiers, such as a headless Service: dns:NAME:PORT. It is looked up again \
            every few seconds; may be repeated.
            """,
            valueName: "dns:name:port"
        )
    )
    var names: [NameDiscovery] = []

    @Option(
        name: .customLong("verifier-ca"),
        help: ArgumentHelp(
            "The authorities (PEM) that verifiers with https:// have certificates from; by default the system's.",
            valueName: "file"
        )
    )
    var certificates: String?

    @Option(
        name: .customLong("max-concurrent-requests"),
        help: ArgumentHelp("Requests that are answered at once, 1 to 65536; more get 429.", valueName: "count")
    )
    var requestLimit = GatewayConfiguration().requestLimit

    func validate() throws {
        guard !verifiers.isEmpty || !names.isEmpty else {
            throw ValidationError("name the verifiers, with --verifier HOST:PORT or with --discover dns:NAME:PORT")
        }
        try validateRange(requestLimit, 1...65_536, "--max-concurrent-requests")
    }
}

extension ReplicaAddress: ExpressibleByArgument {
    init?(argument: String) {
        try? self.init(argument)
    }
}

extension NameDiscovery: ExpressibleByArgument {
    init?(argument: String) {
        try? self.init(argument: argument, port: nil)
    }
}
