package import PacelineCluster

/// What one try of a check came to.
package struct CheckResult: Sendable, Hashable {
    /// The check's place in the schedule.
    package var check: Int
    package var began: Instant
    package var took: Duration
    /// Why it failed; nil if it succeeded.
    package var failure: String?

    package init(check: Int, began: Instant, took: Duration, failure: String?) {
        (self.check, self.began, self.took, self.failure) = (check, began, took, failure)
    }
}

/// All results of the checks, counted.
package struct CheckJournal: Sendable, Hashable {
    /// The results of one second.
    package struct Second: Sendable, Hashable {
        package internal(set) var succeeded = 0
        package internal(set) var failed = 0
    }

    package struct Row: Sendable, Hashable {
        package let name: String
        package fileprivate(set) var succeeded = 0
        package fileprivate(set) var failed = 0
        /// The longest time from one success to the next, or to the end.
        package fileprivate(set) var longestGap = Duration.zero
        package fileprivate(set) var longestAnswer = Duration.zero
        /// The first failure's reason, and the latest's.
        package fileprivate(set) var firstFailure: String?
        package fileprivate(set) var latestFailure: String?
        /// By the second from the beginning of the faults in which the try ended.
        package fileprivate(set) var seconds: [Second] = []
        fileprivate var latestSuccess: Duration?
        /// When the first try of the present row of successes began, and the latest ones.
        fileprivate var streakStart: Instant?
        fileprivate var streak: [Instant] = []
    }

    /// In the order of the schedule.
    package private(set) var rows: [Row]

    init(_ names: [String]) {
        rows = names.map { Row(name: $0) }
    }

    /// Forgets what came before the faults, but for the present state.
    mutating func begin() {
        for index in rows.indices {
            var row = Row(name: rows[index].name)
            (row.streakStart, row.streak) = (rows[index].streakStart, rows[index].streak)
            rows[index] = row
        }
    }

    /// - Parameter time: from the beginning of the faults; nil before it.
    mutating func take(_ result: CheckResult, at time: Duration?) {
        guard rows.indices.contains(result.check) else { return }
        rows[result.check].take(result, at: time)
    }

    /// The run ends: who waits for a success has waited until now.
    mutating func end(at time: Duration) {
        for index in rows.indices { rows[index].noteGap(at: time) }
    }

    /// Whether each check has succeeded so often in a row, in tries that began at `moment` or later.
    func isHealthy(since moment: Instant, successes: Int) -> Bool {
        failing(since: moment, successes: successes).isEmpty
    }

    /// The checks that have not.
    func failing(since moment: Instant, successes: Int) -> [String] {
        rows.filter { $0.streak.filter { $0 >= moment }.count < successes }.map(\.name)
    }

    /// From when on the checks have not failed any more, but not before `moment`.
    func healthySince(_ moment: Instant) -> Instant {
        rows.compactMap(\.streakStart).reduce(moment) { max($0, $1) }
    }
}

extension CheckJournal.Row {
    fileprivate mutating func take(_ result: CheckResult, at time: Duration?) {
        longestAnswer = max(longestAnswer, result.took)
        if let failure = result.failure {
            failed += 1
            (streakStart, streak) = (nil, [])
            firstFailure = firstFailure ?? failure
            latestFailure = failure
        } else {
            succeeded += 1
            streakStart = streakStart ?? result.began
            streak.append(result.began)
            // More are never asked for.
            if streak.count > NemesisMachine.successes { streak.removeFirst() }
        }
        guard let time else { return }
        noteGap(at: time)
        if result.failure == nil { latestSuccess = time }
        let second = max(0, Int(time / .seconds(1)))
        while seconds.count <= second { seconds.append(.init()) }
        if result.failure == nil { seconds[second].succeeded += 1 } else { seconds[second].failed += 1 }
    }

    fileprivate mutating func noteGap(at time: Duration) {
        longestGap = max(longestGap, time - (latestSuccess ?? .zero))
    }
}
