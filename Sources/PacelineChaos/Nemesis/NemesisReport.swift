import PacelineSpeculation

/// What a run of a schedule came to, for people and as JSON. Times are in milliseconds from the first moment of the
/// faults.
package struct NemesisReport: Sendable, Encodable {
    package struct Fault: Sendable, Encodable {
        /// From 1 on.
        package let number: Int
        package let fault: String
        package let targets: [String]
        package let beganMS: Double?
        package let endedMS: Double?
        /// Why it could not be made.
        package let failure: String?
        /// Why what it did could not be undone.
        package let healFailure: String?
        /// What people should know of it otherwise.
        package let remark: String?
        package let failedChecks: Int
        /// From its end until every check had succeeded again.
        package let recoveredAfterMS: Double?

        enum CodingKeys: String, CodingKey {
            case number, fault, targets, failure, remark
            case beganMS = "began_ms"
            case endedMS = "ended_ms"
            case healFailure = "heal_failure"
            case failedChecks = "failed_checks"
            case recoveredAfterMS = "recovered_after_ms"
        }
    }

    package struct Check: Sendable, Encodable {
        package let name: String
        package let succeeded: Int
        package let failed: Int
        /// The longest time without a success.
        package let longestGapMS: Double
        package let longestAnswerMS: Double
        package let firstFailure: String?
        package let latestFailure: String?
        /// Successes and failures by the second.
        package let succeededBySecond: [Int]
        package let failedBySecond: [Int]

        enum CodingKeys: String, CodingKey {
            case name, succeeded, failed
            case longestGapMS = "longest_gap_ms"
            case longestAnswerMS = "longest_answer_ms"
            case firstFailure = "first_failure"
            case latestFailure = "latest_failure"
            case succeededBySecond = "succeeded_by_second"
            case failedBySecond = "failed_by_second"
        }
    }

    /// A process that ended although no fault did it.
    package struct Ended: Sendable, Encodable {
        package let process: String
        package let ending: String
        package let atMS: Double
        /// The file that has what it wrote; nil if nothing has.
        package let output: String?

        enum CodingKeys: String, CodingKey {
            case process, ending, output
            case atMS = "at_ms"
        }
    }

    package let name: String
    package let seed: UInt64
    package let lengthMS: Double
    /// `recovered`, `not_recovered`, `never_healthy` or `interrupted`.
    package let verdict: String
    /// How long it took to recover.
    package let recoveredAfterMS: Double?
    /// The checks that did not succeed.
    package let unhealthy: [String]
    package let faults: [Fault]
    package let checks: [Check]
    package let ended: [Ended]
    /// Processes that faults killed and that nobody has started again.
    package let missing: [String]

    enum CodingKeys: String, CodingKey {
        case name, seed, verdict, unhealthy, faults, checks, ended, missing
        case lengthMS = "length_ms"
        case recoveredAfterMS = "recovered_after_ms"
    }

    /// Whether everything was as it should be: every fault was made and healed, and the service recovered.
    package var isSuccess: Bool {
        verdict == "recovered" && faults.allSatisfy { $0.failure == nil && $0.healFailure == nil }
    }

    /// - Parameter missing: processes that faults killed and that nobody has started again.
    package init(_ machine: NemesisMachine, missing: [String] = []) {
        self.missing = missing
        name = machine.schedule.name
        seed = machine.seed
        lengthMS = machine.schedule.length.inMilliseconds
        var after: Duration?
        switch machine.phase {
        case .done(.recovered(let time)): (verdict, unhealthy, after) = ("recovered", [], time)
        case .done(.notRecovered(let names)): (verdict, unhealthy) = ("not_recovered", names)
        case .done(.neverHealthy(let names)): (verdict, unhealthy) = ("never_healthy", names)
        default: (verdict, unhealthy) = ("interrupted", [])
        }
        recoveredAfterMS = after?.inMilliseconds
        faults = zip(machine.timetable.strikes, machine.outcomes).map { Fault($0, $1) }
        checks = machine.journal.rows.map { Check($0) }
        ended = machine.unexpected.map {
            Ended(process: $0.process, ending: $0.ending, atMS: $0.at.inMilliseconds, output: $0.output)
        }
    }
}

extension NemesisReport.Fault {
    fileprivate init(_ strike: FaultStrike, _ outcome: StrikeOutcome) {
        number = strike.number + 1
        fault = strike.kind.word
        targets = strike.targets
        beganMS = outcome.began?.inMilliseconds
        endedMS = outcome.ended?.inMilliseconds
        failure = outcome.failure
        healFailure = outcome.healFailure
        remark = outcome.remark
        failedChecks = outcome.failedChecks
        recoveredAfterMS = outcome.recoveredAfter?.inMilliseconds
    }
}

extension NemesisReport.Check {
    fileprivate init(_ row: CheckJournal.Row) {
        name = row.name
        succeeded = row.succeeded
        failed = row.failed
        longestGapMS = row.longestGap.inMilliseconds
        longestAnswerMS = row.longestAnswer.inMilliseconds
        firstFailure = row.firstFailure
        latestFailure = row.latestFailure
        succeededBySecond = row.seconds.map(\.succeeded)
        failedBySecond = row.seconds.map(\.failed)
    }
}
