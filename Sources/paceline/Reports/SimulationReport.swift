import PacelineSimulation

/// What `paceline simulate` prints.
struct SimulationReport: Encodable {
    struct Failure: Encodable {
        var seed: UInt64
        var promise: String
        var detail: String
        /// The command that reproduces it.
        var command: String
        /// The least that the failure needs; nil unless that was asked for.
        var minimal: Minimal?
    }

    /// What is left of a failing scenario.
    struct Minimal: Encodable {
        struct Strike: Encodable {
            var milliseconds: Int
            var fault: String

            enum CodingKeys: String, CodingKey {
                case milliseconds = "ms"
                case fault
            }
        }

        var strikes: [Strike]
        var workers: Int
        var requests: Int
        /// How many scenarios were run to find it.
        var runs: Int
        var detail: String

        init(_ result: Minimizer.Result) {
            strikes = result.strikes.map { Strike(milliseconds: $0.milliseconds, fault: $0.kind.rawValue) }
            workers = result.trial.scenario.workers.count
            requests = result.trial.scenario.requests.count
            runs = result.runs
            detail = "\(result.violation)"
        }
    }

    /// What happened behind gateways.
    struct Gateways: Encodable {
        /// Scenarios with gateways.
        var scenarios: Int
        /// Answers that clients asked for, again and again if they were refused or cut off.
        var streams: Int
        var completed: Int
        /// Completed answers in one piece, and those of chat.
        var whole: Int
        var chats: Int
        /// Completed streams that more than one verifier has written.
        var resumed: Int
        /// Streams that ended with an error because no verifier could go on.
        var lost: Int
        var refused: Int
        var verifierCrashes: Int
        /// Streams that went to another verifier, by the reason: in the middle, and before their first token.
        var failovers: [String: Int]
        var retries: [String: Int]

        enum CodingKeys: String, CodingKey {
            case scenarios, streams, completed, whole, chats, resumed, lost, refused, failovers, retries
            case verifierCrashes = "verifier_crashes"
        }

        init(_ figures: GatewayFigures) {
            scenarios = figures.scenarios
            streams = figures.streams
            completed = figures.completed
            whole = figures.whole
            chats = figures.chats
            resumed = figures.resumed
            lost = figures.lost
            refused = figures.refused
            verifierCrashes = figures.crashes
            failovers = figures.failovers
            retries = figures.retries
        }
    }

    var seeds: Int
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
    /// The same with drafters that are nearly always right.
    var leastHelpfulSpeed: Double?
    var gateways: Gateways
    var repeated: Int
    var traceHash: String
    var failure: Failure?

    init(_ report: CampaignReport, _ minimal: Minimizer.Result?, reproduction: String?) {
        let statistics = report.statistics
        seeds = report.seeds
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
        leastHelpfulSpeed = statistics.leastHelpfulSpeed
        gateways = Gateways(statistics.gateways)
        repeated = report.repeated
        let digits = String(report.trace, radix: 16)
        traceHash = String(repeating: "0", count: 16 - digits.count) + digits
        failure = report.failure.map {
            Failure(
                seed: $0.seed,
                promise: $0.violation?.promise.rawValue ?? "",
                detail: $0.violation?.description ?? "",
                command: reproduction ?? "",
                minimal: minimal.map(Minimal.init)
            )
        }
    }

    enum CodingKeys: String, CodingKey {
        case seeds, events, requests, passes, faults, gateways, repeated, failure
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
        case leastHelpfulSpeed = "least_speed_with_good_drafts"
        case traceHash = "trace_hash"
    }

    /// The tables for people.
    ///
    /// - Parameter seconds: how long it took. Only people are told: the JSON must not depend on it.
    func text(seconds: Double) -> String {
        var table = TextTable(header: [], rightAligned: [1])
        let pace = ("seeds per second", (Double(seeds) / max(seconds, 1e-9)).formatted(decimals: 1))
        for (name, value) in figures.prefix(1) + [pace] + figures.dropFirst() {
            table.append([name, value])
        }
        var kinds = TextTable(header: ["fault", "struck"], rightAligned: [1])
        for (name, count) in faults.sorted(by: { $0.key < $1.key }) {
            kinds.append([name, "\(count)"])
        }
        let end = failure.map { "\nreproduce with: \($0.command)\n" + ($0.minimal?.text ?? "") } ?? ""
        return table.text + gateways.text + (faults.isEmpty ? "" : "\n" + kinds.text) + end
    }

    private var figures: [(String, String)] {
        [
            ("seeds", "\(seeds)"),
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
            (
                "least speed with good drafts",
                leastHelpfulSpeed.map { "\($0.formatted(decimals: 2)) x plain" } ?? "not run"
            ),
            ("run twice, same trace", "\(repeated)"),
            ("trace hash", traceHash),
            ("promises broken", failure == nil ? "0" : "1"),
        ]
    }
}

extension SimulationReport.Minimal {
    fileprivate var text: String {
        let schedule = strikes.map { "  at \($0.milliseconds) ms: \($0.fault)\n" }.joined()
        let rest = "\(strikes.count) faults, \(workers) workers and \(requests) requests (\(runs) runs)"
        return "the failure needs only \(rest):\n\(schedule)  \(detail)\n"
    }
}

extension SimulationReport.Gateways {
    /// A table of its own; nothing if no scenario had gateways.
    fileprivate var text: String {
        guard scenarios > 0 else { return "" }
        let rows: [(String, String)] = [
            ("scenarios", "\(scenarios)"),
            ("answers asked for", "\(streams)"),
            ("completed", "\(completed)"),
            ("of them in one piece", "\(whole)"),
            ("of them chats", "\(chats)"),
            ("completed by several verifiers", "\(resumed)"),
            ("ended: no verifier could go on", "\(lost)"),
            ("refused", "\(refused)"),
            ("verifiers crashed", "\(verifierCrashes)"),
            ("failovers", Self.list(failovers)),
            ("retries", Self.list(retries)),
        ]
        var table = TextTable(header: ["behind gateways", ""], rightAligned: [1])
        for (name, value) in rows { table.append([name, value]) }
        return "\n" + table.text
    }

    private static func list(_ counts: [String: Int]) -> String {
        let total = counts.values.reduce(0, +)
        let parts = counts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
        return total == 0 ? "0" : "\(total): \(parts)"
    }
}
