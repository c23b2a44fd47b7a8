import ArgumentParser
import Foundation
import PacelineCluster
import PacelineSimulation

/// `paceline bench cluster`: throughput against the number of workers, simulated.
struct BenchClusterCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cluster",
        abstract: "Simulate throughput against the number of workers.",
        discussion: """
            The scheduler, the planner and the link of the real thing in virtual time; passes take what the cost curve \
            says. A line of the table ends where more workers no longer help: the verifier is saturated.

            A cost curve is a JSON object of milliseconds by rows, as 'bench engine --json' prints it under "verify_ms":

              paceline bench cluster --svg scaling.svg
              paceline bench cluster --cost-curve curve.json --sequences 16 --modes asynchronous,stop-and-wait
            """
    )

    @Option(
        help: ArgumentHelp(
            "Milliseconds of a pass by rows, as JSON (default: \(MeasuredCosts.standardName)).",
            valueName: "file"
        )
    )
    var costCurve: String?

    @Option(help: ArgumentHelp("Numbers of workers, 0 to 256.", valueName: "0,1,2"))
    var workers = NumberList(values: [0, 1, 2, 4, 8, 16, 32, 64])

    @Option(help: ArgumentHelp("Numbers of sequences, 1 to 256.", valueName: "1,8"))
    var sequences = NumberList(values: [1, 4, 16, 64])

    @Option(help: ArgumentHelp("How often a drafter's first choice is the target's, 0 to 1.", valueName: "0.5,0.9"))
    var acceptance = NumberList(values: [0.5, 0.7, 0.9])

    @Option(help: ArgumentHelp("Round-trip times in milliseconds, 0 to 10000.", valueName: "1,20"))
    var rtt = NumberList(values: [1, 20, 80])

    @Option(help: ArgumentHelp("Milliseconds of a draft step, 0.01 to 10000.", valueName: "ms"))
    var step = 10.0

    @Option(help: ArgumentHelp("asynchronous, stop-and-wait or both.", valueName: "modes"))
    var modes = ModeList(modes: [.asynchronous])

    @Option(help: ArgumentHelp("Virtual seconds that are measured per cluster, 0.1 to 600.", valueName: "seconds"))
    var seconds = 4.0

    @Option(help: ArgumentHelp("Clusters at a time, 1 to 256 (default: one for each CPU).", valueName: "count"))
    var jobs: Int?

    @Option(help: ArgumentHelp("Write a plot.", valueName: "file"))
    var svg: String?

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        try check(workers, 0...256, "--workers", isWhole: true)
        try check(sequences, 1...256, "--sequences", isWhole: true)
        try check(acceptance, 0...1, "--acceptance")
        try check(rtt, 0...10_000, "--rtt")
        try validateRange(step, 0.01...10_000, "--step")
        try validateRange(seconds, 0.1...600, "--seconds")
        try validateRange(jobs, ThreadOptions.range, "--jobs")
    }

    func run() throws {
        ThreadOptions.warnIfTooMany([("--jobs", jobs)])
        let costs = try measuredCosts()
        var settings = ClusterBenchmark.Settings(costs: costs.curve)
        settings.workers = workers.values.map { Int($0) }.sorted()
        settings.sequences = sequences.values.map { Int($0) }
        settings.agreements = acceptance.values
        settings.roundTrips = rtt.values
        settings.modes = modes.modes
        settings.stepMilliseconds = step
        settings.seconds = seconds
        settings.jobs = jobs ?? ThreadOptions.fallback
        let line = ProgressLine("simulating")
        let results = try ClusterBenchmark(settings).run(progress: line.update)
        line.clear()
        let report = ClusterBenchReport(results, costs: costs, step: step)
        if let svg { try write(report.plot.svg, to: svg) }
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
            let data = try Data(contentsOf: URL(fileURLWithPath: costCurve))
            figures = try JSONDecoder().decode([String: Double].self, from: data)
        } catch is DecodingError {
            throw ValidationError(
                "\(costCurve) is no JSON object of milliseconds by rows, such as {\"1\": 41.5, \"8\": 60}"
            )
        } catch {
            throw ValidationError("\(costCurve) cannot be read: \(error.localizedDescription)")
        }
        return try MeasuredCosts(name: costCurve, figures: figures)
    }

    private func write(_ text: String, to path: String) throws {
        do {
            try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        } catch {
            throw ValidationError("the plot cannot be written to \(path): \(error.localizedDescription)")
        }
    }
}

/// `0.5,0.7` on the command line.
struct NumberList: ExpressibleByArgument {
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

    var defaultValueDescription: String {
        values.map { $0 == $0.rounded() ? "\(Int($0))" : "\($0)" }.joined(separator: ",")
    }
}

/// `asynchronous,stop-and-wait` on the command line.
struct ModeList: ExpressibleByArgument {
    let modes: [ClusterBenchmark.Mode]

    init(modes: [ClusterBenchmark.Mode]) {
        self.modes = modes
    }

    init?(argument: String) {
        let names = argument.split(separator: ",").map(String.init)
        let modes = names.compactMap(ClusterBenchmark.Mode.init(rawValue:))
        guard !modes.isEmpty, modes.count == names.count, Set(modes).count == modes.count else { return nil }
        self.modes = modes
    }

    var defaultValueDescription: String {
        modes.map(\.rawValue).joined(separator: ",")
    }
}
