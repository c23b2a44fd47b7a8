import PacelineChaos
import PacelineSpeculation

extension NemesisReport {
    /// For people.
    var text: String {
        var parts = [faultTable, checkTable]
        parts += ended.map { process in
            let output = process.output.map { "see \($0)" } ?? "set output: FILE for it to see what it wrote"
            return
                "\(process.process) ended of itself at \(Self.seconds(process.atMS)) s (\(process.ending)); \(output)\n"
        }
        return parts.filter { !$0.isEmpty }.joined(separator: "\n") + "\n" + sentence + "\n"
    }

    /// How the run ended.
    var sentence: String {
        var parts = [outcome]
        let (missed, unhealed) = (faults.count { $0.failure != nil }, faults.count { $0.healFailure != nil })
        if missed > 0 { parts.append("\(missed) of \(faults.count) faults could not be made as planned") }
        if unhealed > 0 { parts.append("\(unhealed) could not be healed, see the remarks") }
        if !missing.isEmpty { parts.append("not started again: \(missing.joined(separator: ", "))") }
        return parts.joined(separator: "; ")
    }

    private var outcome: String {
        let list = unhealthy.joined(separator: ", ")
        let isHealed = missing.isEmpty && faults.allSatisfy { $0.healFailure == nil }
        return switch verdict {
        case "recovered":
            "the service recovered \(Self.seconds(recoveredAfterMS ?? 0)) s after the last fault (seed \(seed))"
        case "not_recovered":
            "the service did not recover: \(list) did not succeed again (seed \(seed))\(lastFailure); see "
                + "what became of it, or raise recovery"
        case "never_healthy":
            "no fault was made: \(list) did not succeed before the first\(lastFailure); see whether the "
                + "service runs, or raise ready"
        default:
            "the run was interrupted; everything is healed\(isHealed ? "" : " as far as possible") (seed \(seed))"
        }
    }

    /// What the first of the unhealthy checks met last.
    private var lastFailure: String {
        checks.first { unhealthy.contains($0.name) }?.latestFailure.map { "; last: \($0)" } ?? ""
    }

    private var faultTable: String {
        guard !faults.isEmpty else { return "" }
        let header = ["#", "fault", "targets", "from s", "to s", "failed checks", "recovered after s", "remark"]
        var table = TextTable(header: header, rightAligned: [0, 3, 4, 5, 6])
        for fault in faults {
            table.append(
                ["\(fault.number)", fault.fault, fault.targets.joined(separator: ", ")]
                    + [fault.beganMS, fault.endedMS].map { $0.map(Self.seconds) ?? "" }
                    + [
                        "\(fault.failedChecks)", fault.recoveredAfterMS.map(Self.seconds) ?? "",
                        [fault.failure, fault.healFailure, fault.remark].compactMap { $0 }.joined(separator: "; "),
                    ]
            )
        }
        return table.text
    }

    private var checkTable: String {
        // How it began says little of a service that is still not there.
        let isHealthy = unhealthy.isEmpty
        let failure = isHealthy ? "first failure" : "latest failure"
        let header = ["check", "succeeded", "failed", "longest gap s", "longest answer ms", failure]
        var table = TextTable(header: header, rightAligned: [1, 2, 3, 4])
        for check in checks {
            table.append(
                [
                    check.name, "\(check.succeeded)", "\(check.failed)", Self.seconds(check.longestGapMS),
                    check.longestAnswerMS.formatted(decimals: 1),
                    (isHealthy ? check.firstFailure : check.latestFailure) ?? "",
                ]
            )
        }
        return table.text
    }

    fileprivate static func seconds(_ milliseconds: Double) -> String {
        (milliseconds / 1000).formatted(decimals: 2)
    }
}

/// What `chaos nemesis --dry-run` prints.
struct TimetableReport: Encodable {
    struct Entry: Encodable {
        let fault: Int
        let kind: String
        let effect: String
        let target: String
        let startMS: Double
        let endMS: Double

        enum CodingKeys: String, CodingKey {
            case fault, kind, effect, target
            case startMS = "start_ms"
            case endMS = "end_ms"
        }
    }

    let name: String
    let seed: UInt64
    let lengthMS: Double
    let faults: Int
    let entries: [Entry]

    enum CodingKeys: String, CodingKey {
        case name, seed, faults, entries
        case lengthMS = "length_ms"
    }

    init(_ machine: NemesisMachine) {
        name = machine.schedule.name
        seed = machine.seed
        lengthMS = machine.timetable.length.inMilliseconds
        faults = machine.timetable.strikes.count
        let strikes = machine.timetable.strikes
        let heals = strikes.filter { $0.kind == .heal }.map {
            Entry($0, effect: "everything heals", target: "all", from: $0.start, to: $0.end)
        }
        let spans = machine.timetable.spans.map { span in
            Entry(
                strikes[span.strike],
                effect: span.effect.words,
                target: span.effect.target,
                from: span.start,
                to: span.end
            )
        }
        entries = (heals + spans).enumerated()
            .sorted { ($0.element.startMS, $0.offset) < ($1.element.startMS, $1.offset) }
            .map(\.element)
    }

    /// For people.
    var text: String {
        var table = TextTable(header: ["from s", "to s", "#", "fault", "target", "effect"], rightAligned: [0, 1, 2])
        for entry in entries {
            table.append(
                [
                    NemesisReport.seconds(entry.startMS), NemesisReport.seconds(entry.endMS), "\(entry.fault)",
                    entry.kind, entry.target, entry.effect,
                ]
            )
        }
        return table.text + "\n\(faults) faults in \(NemesisReport.seconds(lengthMS)) s with seed \(seed)\n"
    }
}

extension TimetableReport.Entry {
    fileprivate init(_ strike: FaultStrike, effect: String, target: String, from start: Duration, to end: Duration) {
        fault = strike.number + 1
        kind = strike.kind.word
        self.effect = effect
        self.target = target
        startMS = start.inMilliseconds
        endMS = end.inMilliseconds
    }
}

extension FaultEffect {
    fileprivate var words: String {
        switch self {
        case .cut(_, let direction): "bytes \(direction.rawValue) wait"
        case .disable: "connections are refused"
        case .toxic(_, let toxic): "\(toxic.type.rawValue) \(toxic.stream.rawValue)"
        case .kill(_, let signal): signal.words
        case .pause: "stopped"
        }
    }
}
