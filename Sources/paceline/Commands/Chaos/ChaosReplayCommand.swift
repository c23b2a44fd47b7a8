import ArgumentParser
import Logging
import NIOCore
import NIOPosix
import PacelineChaos
import PacelineServer

/// `paceline chaos replay`: the faults of a recorded run again.
struct ChaosReplayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Repeat the faults of a run that chaos serve --trace recorded.",
        discussion: """
            Starts the same proxies on the same ports with the same seed, and makes each change when as many clients \
            have connected as then, and as long after. Run your clients again: the same bytes meet the same faults. \
            At the end, on Ctrl-C or SIGTERM, the faults of both runs are compared; the exit status is 1 if they \
            differ.

              paceline chaos serve --seed 7 --trace faults.jsonl
              paceline chaos replay faults.jsonl
            """
    )

    @Argument(help: ArgumentHelp("What chaos serve --trace wrote.", valueName: "trace"))
    var file: String

    @Option(help: ArgumentHelp("Where the new trace goes (default: TRACE.replay).", valueName: "file"))
    var trace: String?

    @Flag(help: "Let proxies listen where other machines can reach them, as they did in the recorded run.")
    var allowRemote = false

    @OptionGroup var service: ServiceOptions
    @OptionGroup var log: LogOptions

    func run() async throws {
        log.bootstrap(.info)
        try await service.run { try await replay() }
    }

    private func replay() async throws {
        DescriptorLimit.raise()
        let logger = Logger(label: "paceline.chaos")
        let recorded = try RecordedRun(ByteBuffer(string: PromptFile.text(at: file)), path: file)
        let path = trace ?? "\(file).replay"
        guard path != file, !OutputFile.isSame(path, file) else {
            throw ValidationError("--trace \(path) is the trace to repeat, and would be lost; name another file")
        }
        if recorded.lost > 0 {
            logger.warning("\(file) lacks \(recorded.lost) lines, since its disk was too slow; they are not compared")
        }
        let newTrace = try FaultTrace(path: path, seed: recorded.seed, logger: logger)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: min(4, ThreadOptions.fallback))
        var configuration = ProxyRegistry.Configuration()
        (configuration.seed, configuration.allowsRemoteClients) = (recorded.seed, allowRemote)
        let registry = ProxyRegistry(configuration, group: group, trace: newTrace, logger: logger)
        let replay = TraceReplay(recorded, registry: registry)
        try await replay.begin()
        newTrace.begin()
        Termination.becomeReady()
        try service.tell(Announcement(.ready))
        logger.info("repeating \(recorded.changes.count) changes with seed \(recorded.seed); end with Ctrl-C")
        do {
            try await replay.proceed()
            await waitForCancellation()
        } catch is CancellationError {}
        try await registry.shutdown()
        let again = try RecordedRun(ByteBuffer(string: PromptFile.text(at: path)), path: path)
        let report = ChaosReplayReport(TraceComparison(recorded.faults, again.faults))
        try service.announce ? StandardOutput.json(report) : StandardOutput.write(report.text)
        guard let difference = report.difference else { return }
        StandardError.sentence("the runs differ, first in this fault, \(difference)")
        throw ExitCode.failure
    }
}

/// What `paceline chaos replay` prints when it ends.
struct ChaosReplayReport: Encodable {
    let event = "ended"
    let same: Int
    let missing: Int
    let added: Int
    /// The first fault that one run has and the other has not.
    let difference: String?

    enum CodingKeys: CodingKey {
        case event, same, missing, added, difference
    }

    init(_ comparison: TraceComparison) {
        same = comparison.same
        missing = comparison.missing.count
        added = comparison.added.count
        difference =
            (comparison.missing.first.map { "missing: \(Self.words($0))" })
            ?? comparison.added.first.map { "added: \(Self.words($0))" }
    }

    /// For people.
    var text: String {
        "\(same) faults came again, \(missing) did not, \(added) are new\n"
    }

    private static func words(_ fault: TracedFault) -> String {
        "\(fault.fault) \(fault.detail) by \(fault.toxic) at byte \(fault.offset) \(fault.stream) of connection "
            + "\(fault.connection) of \(fault.proxy)"
    }
}
