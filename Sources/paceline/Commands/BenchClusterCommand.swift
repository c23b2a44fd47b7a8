import ArgumentParser
import Foundation
import PacelineCluster
import PacelineSimulation
import PacelineTensor

/// `paceline bench cluster`: simulated throughput for different numbers of workers.
struct BenchClusterCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cluster",
        abstract: "Simulate how throughput grows with the number of workers.",
        discussion: """
            Runs the real scheduler, planner and link in virtual time, with pass times from a cost curve. The last \
            column of the table tells where more workers no longer help, because the verifier is saturated.

            A cost curve is a JSON object from rows to milliseconds; 'bench engine --json' prints one as "verify_ms":

              paceline bench cluster --svg scaling.svg
              paceline bench cluster --cost-curve curve.json --sequences 16 --modes asynchronous,stop-and-wait

            With --fleets it simulates several verifiers at once instead, among which the machine of a gateway places \
            the sequences. It tells what their links carry, and what deciding costs a verifier in processor time and \
            memory, on this machine:

              paceline bench cluster --fleets 1:10:100,10:100:1000,100:1000:10000
              paceline bench cluster --fleets 1:1:1,1:16:16,1:64:64
            """
    )

    @Option(
        help: ArgumentHelp(
            "JSON file with the milliseconds of a pass by its rows (default: \(MeasuredCosts.standardName)).",
            valueName: "file"
        )
    )
    var costCurve: String?

    @Option(
        help: ArgumentHelp("Numbers of workers, 0 to 256 (default: \(Self.usualWorkers)).", valueName: "0,1,2")
    )
    var workers: NumberList?

    @Option(help: ArgumentHelp("Numbers of sequences, 1 to 256 (default: \(Self.usualSequences)).", valueName: "1,8"))
    var sequences: NumberList?

    @Option(
        help: ArgumentHelp(
            "Probabilities that the target accepts a first choice, 0 to 1 (default: 0.5,0.7,0.9; --fleets: 0.7).",
            valueName: "0.5,0.9"
        )
    )
    var acceptance: NumberList?

    @Option(
        help: ArgumentHelp(
            "Round-trip times in milliseconds, 0 to 10000 (default: 1,20,80; --fleets: 1).",
            valueName: "1,20"
        )
    )
    var rtt: NumberList?

    @Option(help: ArgumentHelp("Milliseconds per draft step, 0.01 to 10000.", valueName: "ms"))
    var step = 10.0

    @Option(
        help: ArgumentHelp(
            "Drafting modes: asynchronous, stop-and-wait or both (default: asynchronous).",
            valueName: "modes"
        )
    )
    var modes: ModeList?

    @Option(help: ArgumentHelp("Virtual seconds to measure per cluster, 0.1 to 600.", valueName: "seconds"))
    var seconds = 4.0

    @Option(help: ArgumentHelp("Clusters to run in parallel, 1 to 256 (default: one per CPU).", valueName: "count"))
    var jobs: Int?

    @Option(help: ArgumentHelp("Write a plot to this SVG file.", valueName: "file"))
    var svg: String?

    @Option(
        help: ArgumentHelp(
            "Fleets to simulate: verifiers, workers and sequences in all, with colons between.",
            valueName: "1:4:8,…"
        )
    )
    var fleets: FleetList?

    @Option(
        name: .customLong("verifiers-per-worker"),
        help: ArgumentHelp("With --fleets: verifiers that each worker drafts for (default: 1).", valueName: "count")
    )
    var verifiersPerWorker: Int?

    @Flag(help: "Print one JSON object.")
    var json = false

    private static let usualWorkers = NumberList(values: [0, 1, 2, 4, 8, 16, 32, 64])
    private static let usualSequences = NumberList(values: [1, 4, 16, 64])

    func validate() throws {
        if let workers { try check(workers, 0...256, "--workers", isWhole: true) }
        if let sequences { try check(sequences, 1...256, "--sequences", isWhole: true) }
        if let acceptance { try check(acceptance, 0...1, "--acceptance") }
        if let rtt { try check(rtt, 0...10_000, "--rtt") }
        try validateRange(step, 0.01...10_000, "--step")
        try validateRange(seconds, 0.1...600, "--seconds")
        try validateRange(jobs, ThreadOptions.range, "--jobs")
        try validateRange(verifiersPerWorker, 1...1000, "--verifiers-per-worker")
        guard fleets != nil || verifiersPerWorker == nil else {
            throw ValidationError("--verifiers-per-worker is about --fleets; name some")
        }
        try checkFleets()
    }

    /// Throws for options that a simulation of fleets would not heed.
    private func checkFleets() throws {
        guard fleets == nil || svg == nil else { throw ValidationError("--fleets has no plot; leave --svg out") }
        let others = [
            ("--workers", workers != nil), ("--sequences", sequences != nil), ("--modes", modes != nil),
            ("--jobs", jobs != nil),
        ].filter(\.1).map(\.0)
        guard fleets == nil || others.isEmpty else {
            throw ValidationError(
                "--fleets says how many workers and sequences there are, drafts asynchronously and runs one fleet at a "
                    + "time; leave \(others.joined(separator: ", ")) out"
            )
        }
        guard fleets == nil || [acceptance, rtt].compactMap({ $0 }).allSatisfy({ $0.values.count == 1 }) else {
            throw ValidationError("--fleets takes one --acceptance and one --rtt")
        }
    }

    func run() throws {
        ThreadOptions.warnIfTooMany([("--jobs", jobs)])
        let costs = try measuredCosts()
        if let fleets { return try simulate(fleets.fleets, costs) }
        var settings = ClusterBenchmark.Settings(costs: costs.curve)
        settings.workers = (workers ?? Self.usualWorkers).values.map { Int($0) }.sorted()
        settings.sequences = (sequences ?? Self.usualSequences).values.map { Int($0) }
        if let acceptance { settings.agreements = acceptance.values }
        if let rtt { settings.roundTrips = rtt.values }
        settings.modes = modes?.modes ?? [.asynchronous]
        settings.stepMilliseconds = step
        settings.seconds = seconds
        settings.jobs = jobs ?? ThreadOptions.fallback
        let line = ProgressLine("simulating")
        let results = try ClusterBenchmark(settings).run(progress: line.update)
        line.clear()
        let report = ClusterBenchReport(results, costs: costs, step: step)
        if let svg { try OutputFile.write(report.plot.svg, "the plot", to: svg) }
        try json ? StandardOutput.json(report) : StandardOutput.write(report.text)
    }

    private func simulate(_ fleets: [FleetBenchmark.Fleet], _ costs: MeasuredCosts) throws {
        var settings = FleetBenchmark.Settings(
            costs: costs.curve,
            fleets: fleets,
            clock: { ThreadClock.nanoseconds },
            heapBytes: { HeapUse.bytes }
        )
        settings.verifiersPerWorker = verifiersPerWorker ?? 1
        if let agreement = acceptance?.values.first { settings.agreement = agreement }
        if let trip = rtt?.values.first { settings.roundTripMilliseconds = trip }
        settings.stepMilliseconds = step
        settings.seconds = seconds
        let line = ProgressLine("simulating")
        let results = try FleetBenchmark(settings).run(progress: line.update)
        line.clear()
        let report = FleetBenchReport(results, costs: costs, settings)
        try json ? StandardOutput.json(report) : StandardOutput.write(report.text)
    }

    private func check(_ list: NumberList, _ range: ClosedRange<Double>, _ flag: String, isWhole: Bool = false) throws {
        for value in list.values {
            guard range.contains(value), !isWhole || value == value.rounded() else {
                let noun = isWhole ? "whole numbers" : "numbers"
                throw ValidationError(
                    "\(flag) takes \(noun) from \(range.lowerBound) to \(range.upperBound), not \(value)"
                )
            }
        }
    }

    private func measuredCosts() throws -> MeasuredCosts {
        guard let costCurve else { return try MeasuredCosts.standard() }
        let figures: [String: Double]
        do {
            figures = try JSONDecoder().decode([String: Double].self, from: Data(PromptFile.text(at: costCurve).utf8))
        } catch let error as PromptFileError {
            throw ValidationError("\(error)")
        } catch {
            throw ValidationError(
                "\(costCurve) must be a JSON object from rows to milliseconds, such as {\"1\": 41.5, \"8\": 60}"
            )
        }
        return try MeasuredCosts(name: costCurve, figures: figures)
    }
}

/// `0.5,0.7` on the command line.
struct NumberList: ExpressibleByArgument, CustomStringConvertible {
    let values: [Double]

    init(values: [Double]) {
        self.values = values
    }

    init?(argument: String) {
        let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
        let values = parts.compactMap { Double($0) }.filter(\.isFinite)
        guard !values.isEmpty, values.count == parts.count, Set(values).count == values.count else { return nil }
        self.values = values
    }

    var description: String {
        values.map { $0 == $0.rounded() ? "\(Int($0))" : "\($0)" }.joined(separator: ",")
    }
}

/// `asynchronous,stop-and-wait` on the command line.
struct ModeList: ExpressibleByArgument {
    let modes: [ClusterBenchmark.Mode]

    init?(argument: String) {
        let names = argument.split(separator: ",").map(String.init)
        let modes = names.compactMap(ClusterBenchmark.Mode.init(rawValue:))
        guard !modes.isEmpty, modes.count == names.count, Set(modes).count == modes.count else { return nil }
        self.modes = modes
    }
}

/// `1:10:100,10:100:1000` on the command line.
struct FleetList: ExpressibleByArgument {
    let fleets: [FleetBenchmark.Fleet]

    init?(argument: String) {
        let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
        fleets = parts.compactMap { part in
            let numbers = part.split(separator: ":", omittingEmptySubsequences: false).compactMap { Int($0) }
            guard numbers.count == 3, (1...1000).contains(numbers[0]), (0...10_000).contains(numbers[1]),
                (1...100_000).contains(numbers[2]), numbers[2] <= numbers[0] * 1000
            else { return nil }
            return FleetBenchmark.Fleet(verifiers: numbers[0], workers: numbers[1], sequences: numbers[2])
        }
        guard !fleets.isEmpty, fleets.count == parts.count else { return nil }
    }
}
