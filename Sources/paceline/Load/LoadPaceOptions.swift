import ArgumentParser
import PacelineLoad

/// When a load test sends its requests, and how many.
struct LoadPaceOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Open loop: requests a second, 0.001 to 100000, sent on schedule whatever the server does.",
            valueName: "rate"
        )
    )
    var rate: Double?

    @Option(
        help: ArgumentHelp(
            "How arrivals of an open loop are spread: poisson, as if clients came independently, or constant.",
            valueName: "process"
        )
    )
    var arrivals = ArrivalSchedule.Process.poisson

    @Option(
        help: ArgumentHelp(
            "Closed loop: as many requests under way, 1 to 10000; each answer makes room for the next.",
            valueName: "count"
        )
    )
    var concurrency: Int?

    @Option(
        help: ArgumentHelp(
            "How long to send measured requests, 100ms to 86400s (default: 30s without --requests).",
            valueName: "duration"
        )
    )
    var duration: DurationArgument?

    @Option(help: ArgumentHelp("How many measured requests to send, 1 to 10000000.", valueName: "count"))
    var requests: Int?

    @Option(
        help: ArgumentHelp("How long to send requests before that are not measured, 0 to 3600s.", valueName: "duration")
    )
    var warmup = DurationArgument(.zero)

    @Option(
        name: .customLong("max-concurrency"),
        help: ArgumentHelp(
            "Most requests of an open loop under way, 1 to 65000; later ones wait, and count from when they were due.",
            valueName: "count"
        )
    )
    var mostOutstanding = 4096

    func validate() throws {
        guard (rate == nil) != (concurrency == nil) else {
            throw ValidationError("give --rate for an open loop or --concurrency for a closed one, and not both")
        }
        guard duration == nil || requests == nil else {
            throw ValidationError("give --duration or --requests, and not both")
        }
        try validateRange(rate, 0.001...100_000, "--rate")
        try validateRange(concurrency, 1...10_000, "--concurrency")
        let longest = DurationArgument(.seconds(86_400))
        try validateRange(duration, DurationArgument(.milliseconds(100))...longest, "--duration")
        try validateRange(requests, 1...10_000_000, "--requests")
        try validateRange(warmup, DurationArgument(.zero)...DurationArgument(.seconds(3600)), "--warmup")
        try validateRange(mostOutstanding, 1...65_000, "--max-concurrency")
    }

    var limit: LoadMachine.Limit {
        requests.map { .requests($0) } ?? .time(duration?.duration ?? .seconds(30))
    }

    /// - Parameter seed: of the schedule.
    func plan(seed: UInt64) -> LoadMachine.Plan {
        let pace: LoadMachine.Pace =
            rate.map { .open(ArrivalSchedule(arrivals, rate: $0, seed: seed)) }
            ?? .closed(concurrency: concurrency ?? 1)
        return LoadMachine.Plan(pace: pace, limit: limit, warmup: warmup.duration, mostOutstanding: mostOutstanding)
    }
}

extension ArrivalSchedule.Process: ExpressibleByArgument {}
