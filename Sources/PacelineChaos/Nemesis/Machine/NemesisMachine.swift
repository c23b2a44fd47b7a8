package import PacelineCluster

/// Takes a schedule's faults from beginning to end, as a value without I/O or clock: it decides what is done to links
/// and processes and when, keeps what overlapping faults hold, and judges whether the service recovers.
package struct NemesisMachine: Sendable {
    package enum Event: Sendable, Hashable {
        /// All processes and links are there.
        case started
        /// Time has passed.
        case tick
        case checked(CheckResult)
        /// What a strike was to do could not be done. It lasts all the same if what it was to end has ended already.
        case notMade(FaultEffect, strike: Int, reason: String, lasts: Bool)
        /// What was to undo it could not be done.
        case notHealed(strike: Int, reason: String)
        /// A process that the nemesis started has ended, and no fault did it.
        case ended(process: String, ending: String)
        /// The run must end now.
        case interrupted
    }

    package enum Effect: Sendable, Hashable {
        case begin(FaultEffect, strike: Int)
        case end(FaultEffect, strike: Int)
        /// Something that people want to hear at once.
        case tell(String)
        case finish
    }

    /// How far the run is.
    package enum Phase: Sendable, Hashable {
        case idle
        /// The service has to be healthy first.
        case waiting(since: Instant)
        /// Faults strike from `since` on.
        case striking(since: Instant)
        /// Everything is healed, and the service has to become healthy.
        case recovering(since: Instant)
        case done(NemesisVerdict)
    }

    /// Checks that must succeed in a row, each of them, to call the service healthy after the faults.
    static let successes = 3

    package let schedule: NemesisSchedule
    package let timetable: Timetable
    package let seed: UInt64
    package private(set) var phase = Phase.idle
    var journal: CheckJournal
    /// What each strike came to.
    var outcomes: [StrikeOutcome]
    package internal(set) var unexpected: [UnexpectedEnd] = []
    private var holds: FaultHolds
    /// Moments to come at which everything heals; what they end is in the spans.
    private var heals: [FaultStrike]
    /// The next span that begins.
    private var next = 0
    /// Spans that have begun, by when they end.
    private var active: [FaultSpan] = []
    private var began: Instant?

    /// - Parameter path: of the schedule, for errors.
    /// - Throws: ``ScheduleError``.
    package init(_ schedule: NemesisSchedule, seed: UInt64, path: String) throws(ScheduleError) {
        self.schedule = schedule
        self.seed = seed
        timetable = try Timetable(schedule, seed: seed, path: path)
        journal = CheckJournal(schedule.checks.map(\.name))
        outcomes = timetable.strikes.map { _ in StrikeOutcome() }
        heals = timetable.strikes.filter { $0.kind == .heal }
        holds = FaultHolds(comingBack: Set(schedule.processes.filter(\.comesBack).map(\.name)))
    }

    /// When something happens without an event; nil if nothing does.
    package var nextDue: Instant? {
        switch phase {
        case .idle, .done: return nil
        case .waiting(let since): return since + schedule.ready
        case .recovering(let since): return since + schedule.recovery
        case .striking(let since):
            let moments = [
                next < timetable.spans.count ? timetable.spans[next].start : nil, active.first?.end, schedule.length,
            ]
            return moments.compactMap { $0 }.min().map { since + $0 }
        }
    }

    package var isDone: Bool {
        if case .done = phase { true } else { false }
    }

    /// How much of the faults' time is over, 0 … 1.
    package func progress(now: Instant) -> Double {
        switch phase {
        case .idle, .waiting: 0
        case .striking(let since): min(1, (now - since) / schedule.length)
        case .recovering, .done: 1
        }
    }

    package mutating func handle(_ event: Event, now: Instant) -> [Effect] {
        switch event {
        // Also at the end: what cannot be healed must not be called healed.
        case .notMade(let effect, let strike, let reason, let lasts):
            return takeFailure(of: effect, strike, reason, lasts: lasts)
        case .notHealed(let strike, let reason):
            if outcomes[strike].healFailure == nil { outcomes[strike].healFailure = reason }
            return [.tell("fault \(strike + 1) could not be healed: \(reason)")]
        case _ where isDone: return []
        case .started:
            phase = .waiting(since: now)
            return [.tell("waiting until every check succeeds")]
        case .tick: return advance(now)
        case .checked(let result):
            let time = began.map { now - $0 }
            journal.take(result, at: time)
            if let time { note(result, at: time) }
            return judge(now) + advance(now)
        case .ended(let process, let ending): return takeEnd(of: process, ending, now)
        case .interrupted:
            let effects = healAll(now)
            finish(.interrupted, now)
            return effects + [.finish]
        }
    }

    private mutating func takeFailure(
        of effect: FaultEffect,
        _ strike: Int,
        _ reason: String,
        lasts: Bool
    ) -> [Effect] {
        if outcomes[strike].failure == nil { outcomes[strike].failure = reason }
        let tell = Effect.tell("fault \(strike + 1) could not be made: \(reason)")
        guard !lasts, let next = holds.fail(effect, strike: strike), !isDone else { return [tell] }
        outcomes[next.strike].remark = nil
        return [tell, .begin(next.effect, strike: next.strike)]
    }

    private mutating func takeEnd(of process: String, _ ending: String, _ now: Instant) -> [Effect] {
        // A process that ends over and over must not fill the memory.
        if unexpected.count < 1000 {
            let time = began.map { now - $0 } ?? .zero
            let output = schedule.processes.first { $0.name == process }?.output
            unexpected.append(UnexpectedEnd(process: process, ending: ending, at: time, output: output))
        }
        return [.tell("\(process) ended of itself (\(ending))")]
    }

    private mutating func finish(_ verdict: NemesisVerdict, _ now: Instant) {
        phase = .done(verdict)
        if let began { journal.end(at: now - began) }
    }

    // MARK: Phases

    /// Goes on to the next phase if the checks allow it.
    private mutating func judge(_ now: Instant) -> [Effect] {
        switch phase {
        case .waiting(let since) where journal.isHealthy(since: since, successes: 1):
            phase = .striking(since: now)
            began = now
            journal.begin()
            return [.tell("the service is healthy; faults begin")]
        case .recovering(let since) where journal.isHealthy(since: since, successes: Self.successes):
            finish(.recovered(after: journal.healthySince(since) - since), now)
            return [.tell("the service has recovered"), .finish]
        default: return []
        }
    }

    private mutating func advance(_ now: Instant) -> [Effect] {
        switch phase {
        case .waiting(let since) where now >= since + schedule.ready:
            finish(.neverHealthy(journal.failing(since: since, successes: 1)), now)
            return [.finish]
        case .striking(let since):
            let effects = strike(until: min(now - since, schedule.length))
            guard now - since >= schedule.length else { return effects }
            phase = .recovering(since: now)
            return effects + healAll(now) + [.tell("the faults are over; everything is healed")]
        case .recovering(let since) where now >= since + schedule.recovery:
            finish(.notRecovered(journal.failing(since: since, successes: Self.successes)), now)
            return [.finish]
        default: return []
        }
    }

    // MARK: Faults

    /// Begins and ends what is due, in the order of time; at the same moment ends come first.
    private mutating func strike(until time: Duration) -> [Effect] {
        while let heal = heals.first, heal.start <= time {
            (outcomes[heal.number].began, outcomes[heal.number].ended) = (heal.start, heal.end)
            heals.removeFirst()
        }
        var effects: [Effect] = []
        while true {
            let start = next < timetable.spans.count ? timetable.spans[next].start : nil
            if let end = active.first?.end, end <= time, end <= start ?? end {
                effects += finish(active.removeFirst(), at: end)
            } else if let start, start <= time {
                effects += begin(timetable.spans[next])
                next += 1
            } else {
                return effects
            }
        }
    }

    private mutating func begin(_ span: FaultSpan) -> [Effect] {
        let strike = timetable.strikes[span.strike]
        var effects: [Effect] = []
        if outcomes[span.strike].began == nil {
            outcomes[span.strike].began = span.start
            effects.append(.tell("fault \(span.strike + 1): \(strike.words)"))
        }
        let place = active.firstIndex { $0.end > span.end } ?? active.endIndex
        active.insert(span, at: place)
        if strike.kind.strikesProcesses, holds.isKilled(span.effect.target) {
            outcomes[span.strike].remark = "\(span.effect.target) was killed at the time"
        }
        if holds.take(span) { effects.append(.begin(span.effect, strike: span.strike)) }
        return effects
    }

    private mutating func finish(_ span: FaultSpan, at time: Duration) -> [Effect] {
        var effects: [Effect] = []
        if holds.release(span) { effects.append(.end(span.effect, strike: span.strike)) }
        if !active.contains(where: { $0.strike == span.strike }), isOver(span.strike) {
            outcomes[span.strike].ended = time
            effects.append(.tell("fault \(span.strike + 1) is over"))
        }
        return effects
    }

    /// Whether no more of a strike is to come.
    private func isOver(_ strike: Int) -> Bool {
        !timetable.spans[next...].prefix { $0.start < timetable.strikes[strike].end }.contains { $0.strike == strike }
    }

    /// Ends every fault. A process that was killed for good comes back, too.
    private mutating func healAll(_ now: Instant) -> [Effect] {
        let time = began.map { min(now - $0, schedule.length) } ?? .zero
        next = timetable.spans.count
        var effects: [Effect] = []
        while !active.isEmpty { effects += finish(active.removeFirst(), at: time) }
        return effects
    }

    /// What a check's result means for the strikes that are going on, or were over shortly before.
    private mutating func note(_ result: CheckResult, at time: Duration) {
        let begun = time - result.took
        if result.failure != nil {
            for strike in Set(active.map(\.strike)) { outcomes[strike].failedChecks += 1 }
            return
        }
        for index in recentStrikes where outcomes[index].recoveredAfter == nil {
            guard let end = outcomes[index].ended, begun >= end else { continue }
            outcomes[index].healthy.insert(result.check)
            guard outcomes[index].healthy.count == schedule.checks.count else { continue }
            outcomes[index].recoveredAfter = time - end
        }
    }

    /// The latest strikes that have begun; older ones recover no more.
    private var recentStrikes: Range<Int> {
        let begun = next < timetable.spans.count ? timetable.spans[next].strike + 1 : timetable.strikes.count
        return max(0, begun - 64)..<begun
    }
}

/// How a run ended.
package enum NemesisVerdict: Sendable, Hashable {
    /// Every check succeeded again, so long after the end of the faults.
    case recovered(after: Duration)
    /// These checks did not, within the time.
    case notRecovered([String])
    /// These checks did not succeed before the first fault.
    case neverHealthy([String])
    case interrupted
}

/// What a strike came to.
package struct StrikeOutcome: Sendable, Hashable {
    package internal(set) var began: Duration?
    package internal(set) var ended: Duration?
    /// Why it could not be made.
    package internal(set) var failure: String?
    /// Why what it did could not be undone.
    package internal(set) var healFailure: String?
    /// What people should know of it otherwise.
    package internal(set) var remark: String?
    /// Checks that failed while it went on.
    package internal(set) var failedChecks = 0
    /// From its end until every check had succeeded again; nil if that did not happen.
    package internal(set) var recoveredAfter: Duration?
    /// Checks that have succeeded since its end.
    fileprivate(set) var healthy: Set<Int> = []
}

/// A process that ended although no fault did it.
package struct UnexpectedEnd: Sendable, Hashable {
    package let process: String
    package let ending: String
    package let at: Duration
    /// The file that has what it wrote; nil if nothing has.
    package let output: String?
}

extension FaultStrike {
    /// In a few words: `partition of a, b`.
    package var words: String {
        targets.isEmpty ? kind.word : "\(kind.word) of \(targets.joined(separator: ", "))"
    }
}
