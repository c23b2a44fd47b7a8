import PacelineSimulation

/// What `paceline bench cluster --fleets` prints.
struct FleetBenchReport: Encodable {
    struct Entry: Encodable {
        var verifiers: Int
        var workers: Int
        var sequences: Int
        var linksOfVerifier: Int
        var tokensPerSecond: Double
        var verifierBusyShare: Double
        /// Of the drafted nodes.
        var uselessShare: Double
        var linkBytesPerAcceptedToken: Double
        var passMilliseconds: Double
        /// Of processor time, for each pass.
        var decidingMilliseconds: Double
        var decidingShare: Double
        var machineBytes: Int

        enum CodingKeys: String, CodingKey {
            case verifiers, workers, sequences
            case linksOfVerifier = "links_per_verifier"
            case tokensPerSecond = "tokens_per_second"
            case verifierBusyShare = "verifier_busy_share"
            case uselessShare = "useless_share"
            case linkBytesPerAcceptedToken = "link_bytes_per_accepted_token"
            case passMilliseconds = "pass_ms"
            case decidingMilliseconds = "deciding_ms"
            case decidingShare = "deciding_share"
            case machineBytes = "machine_bytes"
        }
    }

    var costs: String
    var acceptance: Double
    var rttMilliseconds: Double
    var stepMilliseconds: Double
    var verifiersPerWorker: Int
    var fleets: [Entry]

    enum CodingKeys: String, CodingKey {
        case costs, acceptance, fleets
        case rttMilliseconds = "rtt_ms"
        case stepMilliseconds = "step_ms"
        case verifiersPerWorker = "verifiers_per_worker"
    }

    init(_ results: [FleetBenchmark.Measurement], costs: MeasuredCosts, _ settings: FleetBenchmark.Settings) {
        self.costs = costs.name
        acceptance = settings.agreement
        rttMilliseconds = settings.roundTripMilliseconds
        stepMilliseconds = settings.stepMilliseconds
        verifiersPerWorker = settings.verifiersPerWorker ?? 0
        fleets = results.map(Entry.init)
    }

    /// A row for each fleet.
    var text: String {
        let header = [
            "verifiers", "workers", "sequences", "links each", "tokens/s", "busy", "useless", "bytes/accepted",
            "pass ms", "deciding ms", "share", "memory",
        ]
        var table = TextTable(header: header, rightAligned: Set(0..<header.count))
        for fleet in fleets {
            table.append([
                "\(fleet.verifiers)", "\(fleet.workers)", "\(fleet.sequences)", "\(fleet.linksOfVerifier)",
                fleet.tokensPerSecond.formatted(decimals: 0), percent(fleet.verifierBusyShare),
                percent(fleet.uselessShare), fleet.linkBytesPerAcceptedToken.formatted(decimals: 0),
                fleet.passMilliseconds.formatted(decimals: 1), fleet.decidingMilliseconds.formatted(decimals: 2),
                "\((fleet.decidingShare * 100).formatted(decimals: 2)) %", fleet.machineBytes.asBytes,
            ])
        }
        return """
            passes: \(costs); a draft step takes \(stepMilliseconds) ms, a round trip \(rttMilliseconds) ms
            useless: drafted nodes that no verdict accepted; bytes: on draft links, both ways
            deciding: processor time of a verifier's scheduler, planner and links here, beside the pass's virtual time
            memory: of one verifier's machine, without model and cache

            """ + table.text
    }

    private func percent(_ share: Double) -> String { "\((share * 100).formatted(decimals: 0)) %" }
}

extension FleetBenchReport.Entry {
    init(_ result: FleetBenchmark.Measurement) {
        verifiers = result.fleet.verifiers
        workers = result.fleet.workers
        sequences = result.fleet.sequences
        linksOfVerifier = result.linksOfVerifier
        tokensPerSecond = result.tokensPerSecond
        verifierBusyShare = result.busyShare
        uselessShare = result.uselessShare
        linkBytesPerAcceptedToken = result.linkBytesPerAcceptedToken
        passMilliseconds = result.passMilliseconds
        decidingMilliseconds = result.decidingMilliseconds
        decidingShare = result.decidingShare
        machineBytes = result.machineBytes
    }
}
