import ArgumentParser
import Logging
import PacelineChaos
import PacelineCluster

/// `paceline chaos relay`: a TCP relay that adds delay, jitter and a bandwidth limit.
struct ChaosRelayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "relay",
        abstract: "Relay TCP connections with delay, jitter and limited bandwidth.",
        discussion: """
            Each direction of each connection gets the same faults, independently. Bytes keep their order. When its \
            buffer is full, the relay stops reading, which slows the sender down. Connecting itself is not delayed. \
            When the relay is told to end, it prints statistics.
            """
    )

    @Option(help: ArgumentHelp("Address for clients; port 0 picks a free port.", valueName: "host:port"))
    var listen: Endpoint

    @Option(help: ArgumentHelp("Address that connections are relayed to.", valueName: "host:port"))
    var connect: Endpoint

    @Option(help: ArgumentHelp("Delay added in each direction, such as 20ms; at most 60s.", valueName: "duration"))
    var delay = DurationArgument(.zero)

    @Option(help: ArgumentHelp("Uniform deviation from --delay, up to --delay itself.", valueName: "duration"))
    var jitter = DurationArgument(.zero)

    @Option(
        help: ArgumentHelp(
            "Bandwidth of each direction of each connection, such as 10Mbit (default: unlimited).",
            valueName: "rate"
        )
    )
    var bandwidth: BandwidthArgument?

    @Option(help: ArgumentHelp("Seed of the jitter; the same seed gives the same delays.", valueName: "number"))
    var seed: UInt64 = 1

    @Option(
        help: ArgumentHelp(
            "Most bytes to hold per direction of a connection, 1448 to 1073741824.",
            valueName: "bytes"
        )
    )
    var buffer = RelayConfiguration().bufferBytes

    @Flag(help: "Let --listen be an address that other machines can reach; anyone who connects reaches --connect.")
    var allowRemote = false

    @OptionGroup var service: ServiceOptions
    @OptionGroup var log: LogOptions

    func validate() throws {
        try validateRange(delay, DurationArgument(.zero)...DurationArgument(.seconds(60)), "--delay")
        try validateRange(jitter, DurationArgument(.zero)...delay, "--jitter")
        try validateRange(buffer, RelaySchedule.runBytes...(1 << 30), "--buffer")
        guard connect.port > 0 else { throw ValidationError("--connect needs a port from 1 to 65535, not 0") }
    }

    func run() async throws {
        log.bootstrap(.info)
        try await service.run { try await relay() }
    }

    private func relay() async throws {
        let logger = Logger(label: "paceline.chaos")
        let relay = try await RelayServer.start(configuration, listen: listen, target: connect, logger: logger)
        Termination.becomeReady()
        var ready = Announcement(.ready)
        ready.relay = "\(relay.endpoint)"
        try service.tell(ready)
        logger.info("relaying \(relay.endpoint) to \(connect)")
        await waitForCancellation()
        let report = RelayReport(try await relay.shutdown())
        try service.announce ? StandardOutput.json(report) : StandardOutput.write(report.text)
    }

    private var configuration: RelayConfiguration {
        var toxics: [Toxic] = []
        if delay.duration > .zero { toxics.append(.latency(delay.duration, jitter: jitter.duration)) }
        if let bandwidth { toxics.append(.bandwidth(bytesPerSecond: bandwidth.bytesPerSecond)) }
        var configuration = RelayConfiguration()
        (configuration.upstream, configuration.downstream) = (toxics, toxics)
        configuration.seed = seed
        configuration.bufferBytes = buffer
        configuration.allowsRemoteClients = allowRemote
        return configuration
    }
}
