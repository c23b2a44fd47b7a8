import ArgumentParser
import Foundation
import PacelineSimulation

/// `paceline simulate`: deterministic simulation of clusters under faults.
struct SimulateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Run clusters under faults in virtual time, and check every promise at every step.",
        discussion: """
            Each seed builds its own cluster (verifiers, workers, requests, a network, a subset of the faults) and \
            runs it on one thread under a virtual clock. The state machines and the byte codec are the real ones; mock \
            models replace the arithmetic. While faults strike, only safety is checked. Then all faults end, and \
            everything must work again within seconds. The same seed gives the same run, event for event. \
            One seed in 50 also runs drafters that are always wrong, one in 100 an extreme scenario, and one in ten \
            verifiers behind gateways: clients stream through them while verifiers crash, stop, end in order and come \
            back with another model. Their streams must be those of plain decoding, token for token.

              paceline simulate --seeds 1..10000
              paceline simulate --seeds 4711 --trace run.jsonl
              paceline simulate --seeds 1..1000 --faults kill,corrupt,partition
              paceline simulate --seeds 1..1000 --gateways 1

            Faults: \(FaultKind.allCases.map(\.rawValue).joined(separator: ", ")).
            """
    )

    @Option(help: ArgumentHelp("Seeds to run: from A to B, or a single seed.", valueName: "A..B"))
    var seeds: SeedRange

    @Option(help: ArgumentHelp("Seeds to run in parallel, 1 to 256 (default: one per CPU).", valueName: "count"))
    var jobs: Int?

    @Option(help: ArgumentHelp("Inject only these faults (default: all).", valueName: "kill,corrupt"))
    var faults: FaultList?

    @Option(
        help: ArgumentHelp("Write the events of the first failing seed, or of a single seed.", valueName: "file")
    )
    var trace: String?

    @Option(help: ArgumentHelp("Share of seeds to run twice; both runs must be identical.", valueName: "0…1"))
    var checkDeterminism = 0.05

    @Option(help: ArgumentHelp("Share of seeds that also run verifiers behind gateways.", valueName: "0…1"))
    var gateways = SeedOutcome.gatewayShare

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        try validateRange(jobs, ThreadOptions.range, "--jobs")
        try validateRange(checkDeterminism, 0...1, "--check-determinism")
        try validateRange(gateways, 0...1, "--gateways")
    }

    func run() throws {
        ThreadOptions.warnIfTooMany([("--jobs", jobs)])
        var settings = Campaign.Settings(seeds: seeds.range, jobs: jobs ?? ThreadOptions.fallback)
        settings.determinismShare = checkDeterminism
        settings.gatewayShare = gateways
        if let faults { settings.allowed = faults.kinds }
        let line = ProgressLine("simulating")
        let total = Double(seeds.range.upperBound - seeds.range.lowerBound) + 1
        let clock = ContinuousClock()
        let start = clock.now
        let report = try Campaign(settings) { line.update(Double($0) / total) }.run()
        let seconds = (clock.now - start) / .seconds(1)
        line.clear()
        try writeTrace(report.failure?.seed ?? (total == 1 ? seeds.range.lowerBound : nil), settings)
        let printed = SimulationReport(report, seconds: seconds, reproduction: reproduction(of: report))
        try json ? StandardOutput.json(printed) : StandardOutput.write(printed.text)
        guard let failure = report.failure else { return }
        StandardError.sentence("seed \(failure.seed): \(failure.violation.map { "\($0)" } ?? "unknown")")
        throw ExitCode.failure
    }

    /// The command that reproduces the failure.
    private func reproduction(of report: CampaignReport) -> String? {
        guard let failure = report.failure else { return nil }
        var command = "paceline simulate --seeds \(failure.seed)"
        if let faults { command += " --faults \(faults)" }
        if gateways != SeedOutcome.gatewayShare { command += " --gateways \(gateways)" }
        // Only a second run can show that the first was not repeatable.
        if failure.violation?.promise == .determinism { command += " --check-determinism 1" }
        return command
    }

    private func writeTrace(_ seed: UInt64?, _ settings: Campaign.Settings) throws {
        guard let trace, let seed else { return }
        var lines: [String] = []
        _ = try SeedOutcome.run(seed: seed, allowed: settings.allowed, gatewayShare: settings.gatewayShare) {
            lines.append($0)
        }
        try OutputFile.write(lines.joined(separator: "\n") + "\n", "the trace", to: trace)
    }
}

/// `1..10000` or `4711` on the command line.
struct SeedRange: ExpressibleByArgument {
    let range: ClosedRange<UInt64>

    init?(argument: String) {
        let parts = argument.split(separator: ".", omittingEmptySubsequences: false)
        let numbers = parts.compactMap { UInt64($0) }
        switch (parts.count, numbers.count) {
        case (1, 1): range = numbers[0]...numbers[0]
        case (3, 2) where parts[1].isEmpty && numbers[0] <= numbers[1]: range = numbers[0]...numbers[1]
        default: return nil
        }
    }
}

/// `kill,corrupt` on the command line.
struct FaultList: ExpressibleByArgument, CustomStringConvertible {
    let kinds: Set<FaultKind>

    init?(argument: String) {
        let names = argument.split(separator: ",").map(String.init)
        let kinds = names.compactMap(FaultKind.init(rawValue:))
        guard kinds.count == names.count else { return nil }
        self.kinds = Set(kinds)
    }

    var description: String {
        FaultKind.allCases.filter(kinds.contains).map(\.rawValue).joined(separator: ",")
    }
}
