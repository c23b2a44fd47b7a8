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
            Each direction of each connection is treated alike and by itself. Bytes keep their order. What finds no \
            room in the buffer is not read, so that the sender is slowed down. When the relay is told to end it prints \
            what it has done. Connections themselves are made without delay.
            """
    )

    @Option(help: ArgumentHelp("Where clients connect; port 0 takes any free one.", valueName: "host:port"))
    var listen: Endpoint

    @Option(help: ArgumentHelp("Where their connections are passed on to.", valueName: "host:port"))
    var connect: Endpoint

    @Option(help: ArgumentHelp("Added to each way, such as 20ms, at most 60s.", valueName: "duration"))
    var delay = DurationArgument(.zero)

    @Option(help: ArgumentHelp("How far the delay strays, evenly, at most by itself.", valueName: "duration"))
    var jitter = DurationArgument(.zero)

    @Option(
        help: ArgumentHelp(
            "Of each direction of each connection, such as 10Mbit (default: unlimited).",
            valueName: "rate"
        )
    )
    var bandwidth: BandwidthArgument?

    @Option(help: ArgumentHelp("Of the jitter: the same seed, the same delays.", valueName: "number"))
    var seed: UInt64 = 1

    @Option(
        help: ArgumentHelp(
            "Bytes of one direction of one connection that may be on their way, 1448 to 1073741824.",
            valueName: "bytes"
        )
    )
    var buffer = RelayConfiguration().bufferBytes

    @Flag(help: "Listen where other machines can connect: whoever does reaches the upstream.")
    var allowRemote = false

    @OptionGroup var service: ServiceOptions
    @OptionGroup var log: LogOptions

    func validate() throws {
        try validateRange(delay, DurationArgument(.zero)...DurationArgument(.seconds(60)), "--delay")
        try validateRange(jitter, DurationArgument(.zero)...delay, "--jitter")
        try validateRange(buffer, RelaySchedule.runBytes...(1 << 30), "--buffer")
        guard connect.port > 0 else { throw ValidationError("--connect needs a port, not 0") }
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
