import ArgumentParser
import Foundation
import PacelineSimulation
import PacelineSpeculation

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
            One seed in 50 also runs drafters that are always wrong, one in 50 good ones, one in 100 an extreme \
            scenario, and one in ten verifiers behind gateways: clients stream through them while verifiers crash, \
            stop, end in order and come back with another model. Their streams must be those of plain decoding, token \
            for token.

              paceline simulate --seeds 1..10000
              paceline simulate --seeds 4711 --trace run.jsonl
              paceline simulate --seeds 1..1000 --faults kill,corrupt,partition
              paceline simulate --seeds 1..1000 --gateways 1
              paceline simulate --explain 4711 --diagram run.svg

            --json prints the same bytes for the same seeds and settings, whatever --jobs is.

            Faults: \(FaultKind.allCases.map(\.rawValue).joined(separator: ", ")).
            """
    )

    @Option(help: ArgumentHelp("Seeds to run: from A to B, or a single seed.", valueName: "A..B"))
    var seeds: SeedRange?

    @Option(help: ArgumentHelp("Tell the run of one seed as a story.", valueName: "seed"))
    var explain: UInt64?

    @Option(help: ArgumentHelp("Which scenario of the seed to tell: main, extremes or gateways.", valueName: "name"))
    var scenario: ScenarioName = .main

    @Option(help: ArgumentHelp("Draw the explained run as a sequence diagram (SVG).", valueName: "file"))
    var diagram: String?

    @Option(help: ArgumentHelp("Seeds to run in parallel, 1 to 256 (default: one per CPU).", valueName: "count"))
    var jobs: Int?

    @Option(help: ArgumentHelp("Inject only these faults (default: all).", valueName: "kill,corrupt"))
    var faults: FaultList?

    @Option(
        help: ArgumentHelp("Write the events of the first failing seed, or of a single seed.", valueName: "file")
    )
    var trace: String?

    @Flag(help: "Shrink the schedule of the first failing seed to the faults, clients and workers that it needs.")
    var minimize = false

    @Option(help: ArgumentHelp("Share of seeds to run twice; both runs must be identical.", valueName: "0…1"))
    var checkDeterminism = 0.05

    @Option(help: ArgumentHelp("Share of seeds that also run verifiers behind gateways.", valueName: "0…1"))
    var gateways = SeedOutcome.gatewayShare

    #if DEBUG
        @Option(help: ArgumentHelp("Plant a bug that the run must find. In debug builds only.", valueName: "name"))
        var plantedBug: PlantedBug?
    #endif

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        guard (seeds == nil) != (explain == nil) else {
            throw ValidationError("name either --seeds to run or a seed to --explain")
        }
        guard diagram == nil || explain != nil else { throw ValidationError("--diagram draws the seed of --explain") }
        try validateRange(jobs, ThreadOptions.range, "--jobs")
        try validateRange(checkDeterminism, 0...1, "--check-determinism")
        try validateRange(gateways, 0...1, "--gateways")
    }

    func run() throws {
        if let explain { return try tell(explain) }
        ThreadOptions.warnIfTooMany([("--jobs", jobs)])
        guard let range = seeds?.range else { return }
        let settings = settings(range)
        let line = ProgressLine("simulating")
        let total = Double(range.upperBound - range.lowerBound) + 1
        let clock = ContinuousClock()
        let start = clock.now
        let report = try Campaign(settings) { line.update(Double($0) / total) }.run()
        let seconds = (clock.now - start) / .seconds(1)
        line.clear()
        let minimal = try minimal(report, settings)
        try writeTrace(of: report.failure?.seed ?? (total == 1 ? range.lowerBound : nil), minimal, settings)
        let printed = SimulationReport(report, minimal, reproduction: reproduction(of: report))
        try json ? StandardOutput.json(printed) : StandardOutput.write(printed.text(seconds: seconds))
        guard let failure = report.failure else { return }
        StandardError.sentence("seed \(failure.seed): \(failure.violation.map { "\($0)" } ?? "unknown")")
        throw ExitCode.failure
    }

    private func settings(_ range: ClosedRange<UInt64>) -> Campaign.Settings {
        var settings = Campaign.Settings(seeds: range, jobs: jobs ?? ThreadOptions.fallback)
        settings.determinismShare = checkDeterminism
        settings.gatewayShare = gateways
        if let faults { settings.allowed = faults.kinds }
        #if DEBUG
            settings.plantedBug = plantedBug
        #endif
        return settings
    }

    /// The least that the first failure needs, if somebody wants to know.
    private func minimal(_ report: CampaignReport, _ settings: Campaign.Settings) throws -> Minimizer.Result? {
        guard minimize, let failure = report.failure, let trial = failure.failure, let violation = failure.violation
        else { return nil }
        let line = ProgressLine("minimizing")
        defer { line.clear() }
        return try settings.planted {
            try Minimizer.minimize(trial, violation) { line.update(Double($0) / Double(Minimizer.runLimit)) }
        }
    }

    /// The command that reproduces the failure.
    private func reproduction(of report: CampaignReport) -> String? {
        guard let failure = report.failure else { return nil }
        var command = "paceline simulate --seeds \(failure.seed)"
        if let faults { command += " --faults \(faults)" }
        if gateways != SeedOutcome.gatewayShare { command += " --gateways \(gateways)" }
        #if DEBUG
            if let plantedBug { command += " --planted-bug \(plantedBug)" }
        #endif
        // Only a second run can show that the first was not repeatable.
        if failure.violation?.promise == .determinism { command += " --check-determinism 1" }
        return command
    }

    /// Writes the minimal failing run if there is one, else all runs of the seed.
    private func writeTrace(
        of seed: UInt64?,
        _ minimal: Minimizer.Result?,
        _ settings: Campaign.Settings
    ) throws {
        guard let trace, let seed else { return }
        var lines: [String] = []
        try settings.planted {
            if let minimal {
                _ = try minimal.trial.violation { lines.append($0.json) }
            } else {
                _ = try settings.outcome(of: seed) { lines.append($0.json) }
            }
        }
        try OutputFile.write(lines.joined(separator: "\n") + "\n", "the trace", to: trace)
    }

    // MARK: Telling

    private func tell(_ seed: UInt64) throws {
        let settings = settings(seed...seed)
        let explanation = try settings.planted {
            try Explanation(of: scenario.trial(of: seed, allowed: settings.allowed), seed: seed)
        }
        if let trace { try OutputFile.write(explanation.trace, "the trace", to: trace) }
        if let diagram { try OutputFile.write(explanation.diagram, "the diagram", to: diagram) }
        try StandardOutput.write(explanation.story)
    }
}

/// Which scenario of a seed on the command line.
enum ScenarioName: String, ExpressibleByArgument, CaseIterable {
    case main, extremes, gateways

    func trial(of seed: UInt64, allowed: Set<FaultKind>) throws -> Trial {
        switch self {
        case .main: Trial(try .swarm(seed: seed, allowed: allowed))
        case .extremes: Trial(try .extremes(seed: seed, allowed: allowed))
        case .gateways: Trial(try .behindGateways(seed: seed, allowed: allowed))
        }
    }
}

#if DEBUG
    extension PlantedBug: ExpressibleByArgument {}
#endif

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
