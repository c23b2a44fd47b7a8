import PacelineSimulation

/// What `paceline simulate` prints.
struct SimulationReport: Encodable {
    struct Failure: Encodable {
        var seed: UInt64
        var promise: String
        var detail: String
        /// The command that reproduces it.
        var command: String
    }

    var seeds: Int
    var seconds: Double
    var seedsPerSecond: Double
    var virtualHours: Double
    var events: Int
    var requests: Int
    var tokensCompared: Int
    var passes: Int
    var verifiedNodes: Int
    var acceptedTokens: Int
    var treesUsed: Int
    var treesStale: Int
    var treesRefused: Int
    var faults: [String: Int]
    var corruptionsDelivered: Int
    var corruptionsDetected: Int
    /// How many connections ended for another reason before the whole corrupt frame had arrived.
    var corruptionsOutlived: Int
    var longestWaitMilliseconds: Double
    /// Throughput with workers divided by throughput without, where only workers suffered faults.
    var speedUp: Double?
    /// The lowest speed with drafters that are always wrong, as a multiple of plain decoding.
    var leastWorthlessSpeed: Double?
    var repeated: Int
    var traceHash: String
    var failure: Failure?

    init(_ report: CampaignReport, seconds: Double, reproduction: String?) {
        let statistics = report.statistics
        seeds = report.seeds
        self.seconds = seconds
        seedsPerSecond = Double(report.seeds) / max(seconds, 1e-9)
        virtualHours = Double(statistics.virtualNanoseconds) / 3.6e12
        events = statistics.events
        requests = statistics.requests
        tokensCompared = statistics.tokens
        passes = statistics.passes
        verifiedNodes = statistics.verifiedNodes
        acceptedTokens = statistics.acceptedTokens
        treesUsed = statistics.usedTrees
        treesStale = statistics.staleTrees
        treesRefused = statistics.refusedTrees
        faults = Dictionary(uniqueKeysWithValues: statistics.faults.map { ($0.key.rawValue, $0.value) })
        corruptionsDelivered = statistics.poisonDelivered
        corruptionsDetected = statistics.poisonDetected
        corruptionsOutlived = statistics.poisonOutlived
        longestWaitMilliseconds = statistics.longestDelay
        speedUp = report.speedUp
        leastWorthlessSpeed = statistics.leastWorthlessSpeed
        repeated = report.repeated
        let digits = String(report.trace, radix: 16)
        traceHash = String(repeating: "0", count: 16 - digits.count) + digits
        failure = report.failure.map {
            Failure(
                seed: $0.seed,
                promise: $0.violation?.promise.rawValue ?? "",
                detail: $0.violation?.description ?? "",
                command: reproduction ?? ""
            )
        }
    }

    enum CodingKeys: String, CodingKey {
        case seeds, seconds, events, requests, passes, faults, repeated, failure
        case seedsPerSecond = "seeds_per_second"
        case virtualHours = "virtual_hours"
        case tokensCompared = "tokens_compared"
        case verifiedNodes = "verified_nodes"
        case acceptedTokens = "accepted_tokens"
        case treesUsed = "trees_used"
        case treesStale = "trees_stale"
        case treesRefused = "trees_refused"
        case corruptionsDelivered = "corruptions_delivered"
        case corruptionsDetected = "corruptions_detected"
        case corruptionsOutlived = "corruptions_outlived"
        case longestWaitMilliseconds = "longest_wait_ms"
        case speedUp = "speed_up"
        case leastWorthlessSpeed = "least_speed_with_worthless_drafts"
        case traceHash = "trace_hash"
    }

    /// The tables for people.
    var text: String {
        var table = TextTable(header: [], rightAligned: [1])
        for (name, value) in figures {
            table.append([name, value])
        }
        var kinds = TextTable(header: ["fault", "struck"], rightAligned: [1])
        for (name, count) in faults.sorted(by: { $0.key < $1.key }) {
            kinds.append([name, "\(count)"])
        }
        let end = failure.map { "\nreproduce with: \($0.command)\n" } ?? ""
        return table.text + (faults.isEmpty ? "" : "\n" + kinds.text) + end
    }

    private var figures: [(String, String)] {
        [
            ("seeds", "\(seeds)"),
            ("seeds per second", seedsPerSecond.formatted(decimals: 1)),
            ("virtual hours", virtualHours.formatted(decimals: 2)),
            ("events", "\(events)"),
            ("requests", "\(requests)"),
            ("tokens compared", "\(tokensCompared)"),
            ("passes", "\(passes)"),
            ("nodes verified", "\(verifiedNodes)"),
            ("drafted tokens accepted", "\(acceptedTokens)"),
            ("trees used", "\(treesUsed)"),
            ("trees stale", "\(treesStale)"),
            ("trees refused", "\(treesRefused)"),
            ("corruptions delivered", "\(corruptionsDelivered)"),
            ("corruptions detected", "\(corruptionsDetected)"),
            ("corruptions cut off by another failure", "\(corruptionsOutlived)"),
            ("longest wait for drafts, ms", longestWaitMilliseconds.formatted(decimals: 1)),
            ("speed under worker faults", speedUp.map { "\($0.formatted(decimals: 2)) x plain" } ?? "not compared"),
            (
                "least speed with worthless drafts",
                leastWorthlessSpeed.map { "\($0.formatted(decimals: 3)) x plain" } ?? "not run"
            ),
            ("run twice, same trace", "\(repeated)"),
            ("trace hash", traceHash),
            ("promises broken", failure == nil ? "0" : "1"),
        ]
    }
}
