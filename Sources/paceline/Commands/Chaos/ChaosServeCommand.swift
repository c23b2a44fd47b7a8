import ArgumentParser
import Logging
import NIOCore
import NIOPosix
import PacelineChaos
import PacelineCluster
import PacelineServer

/// `paceline chaos serve`: TCP proxies with faults, driven over Toxiproxy's HTTP API.
struct ChaosServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serve TCP proxies with faults, driven over Toxiproxy's HTTP API.",
        discussion: """
            Put a proxy between any two services, and add faults to it while they run:

              paceline chaos serve --seed 7 --trace faults.jsonl
              paceline chaos create --listen 127.0.0.1:26379 --upstream 127.0.0.1:6379 redis
              paceline chaos toxic add --type latency --attribute latency=100 --attribute jitter=20 redis

            Libraries and tools for Toxiproxy work unchanged. What strikes which byte depends on the seed, the names \
            of proxy and toxic, the connection's number and the place in the stream: the same seed and the same bytes \
            give the same faults. --trace writes each fault with its cause.

            --config names a file with what POST /populate takes, where each proxy may also have its toxics:

              [{"name": "redis", "listen": "127.0.0.1:26379", "upstream": "127.0.0.1:6379",
                "toxics": [{"type": "latency", "attributes": {"latency": 100}}]}]
            """
    )

    @Option(help: ArgumentHelp("Address of the API.", valueName: "host"))
    var host = "127.0.0.1"

    @Option(help: ArgumentHelp("Port of the API; 0 picks a free one.", valueName: "port"))
    var port: UInt16 = 8474

    @Option(help: ArgumentHelp("Seed of all random numbers.", valueName: "number"))
    var seed: UInt64 = 1

    @Option(help: ArgumentHelp("A JSON file with the proxies to begin with.", valueName: "file"))
    var config: String?

    @Option(
        help: ArgumentHelp("Write each fault and each change to this file, one JSON object a line.", valueName: "file")
    )
    var trace: String?

    @Flag(help: "Let the API and proxies listen where other machines can reach them, and through them the upstreams.")
    var allowRemote = false

    @OptionGroup var service: ServiceOptions
    @OptionGroup var log: LogOptions

    func run() async throws {
        log.bootstrap(.info)
        try await service.run { try await serve() }
    }

    private func serve() async throws {
        DescriptorLimit.raise()
        let logger = Logger(label: "paceline.chaos")
        let address = Endpoint(host: host == "localhost" ? "127.0.0.1" : host, port: Int(port))
        guard try allowRemote || address.isLoopback() else {
            throw ValidationError(
                "\(address) can be reached by other machines, and whoever reaches it may connect to any upstream; "
                    + "use 127.0.0.1, or pass --allow-remote"
            )
        }
        let trace = try trace.map { try FaultTrace(path: $0, seed: seed, logger: logger) }
        let group = MultiThreadedEventLoopGroup(numberOfThreads: min(4, ThreadOptions.fallback))
        var configuration = ProxyRegistry.Configuration()
        (configuration.seed, configuration.allowsRemoteClients) = (seed, allowRemote)
        let registry = ProxyRegistry(configuration, group: group, trace: trace, logger: logger)
        if let config {
            try await registry.populate(ByteBuffer(string: PromptFile.text(at: config)), from: config)
        }
        let api = ChaosAPI(registry, version: PacelineVersion.current)
        var http = HTTPServerConfiguration()
        http.errorReply = { ChaosAPI.reply(to: $0) }
        let server = HTTPServer(api.routes, configuration: http, logger: logger)
        try await server.serve(on: address, group: group) { address in
            // What an earlier run has recorded stays there until this one has its port.
            trace?.begin()
            Termination.becomeReady()
            var ready = Announcement(.ready)
            ready.http = "\(address)"
            try service.tell(ready)
            logger.info("the API is at http://\(address), and the seed is \(seed)")
            await waitForCancellation()
            try await registry.shutdown()
        }
    }
}
