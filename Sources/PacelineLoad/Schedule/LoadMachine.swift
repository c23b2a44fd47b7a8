/// Decides when the requests of one run are sent.
///
/// Times count from the start of the run. The first effect that ends the run is ``Effect/finish``; nothing follows it.
package struct LoadMachine: Sendable {
    /// What sets the pace.
    package enum Pace: Sendable {
        /// A schedule, whatever the server does.
        case open(ArrivalSchedule)
        /// The server: each answer makes room for the next request.
        case closed(concurrency: Int)
    }

    /// When to stop sending.
    package enum Limit: Sendable, Hashable {
        /// After this time of measuring.
        case time(Duration)
        /// After so many measured requests.
        case requests(Int)
    }

    package struct Plan: Sendable {
        package var pace: Pace
        package var limit: Limit
        /// Requests that are due before are sent and not measured.
        package var warmup: Duration
        /// How many requests an open loop may have under way; those beyond wait and are sent late.
        package var mostOutstanding: Int

        package init(pace: Pace, limit: Limit, warmup: Duration, mostOutstanding: Int) {
            self.pace = pace
            self.limit = limit
            self.warmup = warmup
            self.mostOutstanding = mostOutstanding
        }
    }

    package enum Event: Sendable {
        case start
        /// The time of a ``Effect/wake(at:)``.
        case timer
        /// A request ended, however it did.
        case ended
        /// Send nothing more.
        case interrupt
    }

    package enum Effect: Sendable, Hashable {
        case send(ScheduledRequest)
        /// Pass ``Event/timer`` at this time. The next one is asked for when it came.
        case wake(at: Duration)
        /// All that was sent has ended, and nothing more will be sent.
        case finish
    }

    private let plan: Plan
    private var arrivals: ArrivalSchedule?
    /// The next request of an open loop.
    private var due: ScheduledRequest?
    private var nextOrdinal = 0
    private var measured = 0
    private var outstanding = 0
    private var isWaking = false
    private var isOver = false
    private var hasFinished = false
    /// Whether a request of an open loop had to wait for another to end.
    package private(set) var reachedOutstandingLimit = false

    package init(_ plan: Plan) {
        self.plan = plan
        if case .open(let schedule) = plan.pace { arrivals = schedule }
    }

    package mutating func handle(_ event: Event, now: Duration) -> [Effect] {
        switch event {
        case .start: due = nextArrival()
        case .timer: isWaking = false
        case .ended: outstanding -= 1
        case .interrupt: (isOver, due) = (true, nil)
        }
        var effects: [Effect] = []
        switch plan.pace {
        case .open: sendDue(now, &effects)
        case .closed(let concurrency): fill(concurrency, now, &effects)
        }
        if isOver, outstanding == 0, !hasFinished {
            hasFinished = true
            effects.append(.finish)
        }
        return effects
    }

    private mutating func sendDue(_ now: Duration, _ effects: inout [Effect]) {
        while let request = due, request.intended <= now {
            guard outstanding < plan.mostOutstanding else {
                reachedOutstandingLimit = true
                return
            }
            outstanding += 1
            effects.append(.send(request))
            due = nextArrival()
        }
        guard let due, !isWaking else { return }
        isWaking = true
        effects.append(.wake(at: due.intended))
    }

    private mutating func fill(_ concurrency: Int, _ now: Duration, _ effects: inout [Effect]) {
        while !isOver, outstanding < concurrency, let request = request(due: now) {
            outstanding += 1
            effects.append(.send(request))
        }
    }

    private mutating func nextArrival() -> ScheduledRequest? {
        guard !isOver, let time = arrivals?.next() else { return nil }
        return request(due: time)
    }

    /// The request of this time, unless that is past the limit.
    private mutating func request(due time: Duration) -> ScheduledRequest? {
        let isMeasured = time >= plan.warmup
        let isPastLimit =
            switch plan.limit {
            case .time(let length): time >= plan.warmup + length
            case .requests(let count): measured >= count
            }
        guard !isPastLimit else {
            isOver = true
            return nil
        }
        if isMeasured { measured += 1 }
        defer { nextOrdinal += 1 }
        return ScheduledRequest(ordinal: nextOrdinal, intended: time, isMeasured: isMeasured)
    }
}

/// A request of a run, and when it should be sent.
package struct ScheduledRequest: Sendable, Hashable {
    /// Its place among the requests of the run, which chooses the prompt.
    package let ordinal: Int
    /// Counted from the start of the run.
    package let intended: Duration
    /// Whether it counts; the requests of the warm-up do not.
    package let isMeasured: Bool

    package init(ordinal: Int, intended: Duration, isMeasured: Bool) {
        self.ordinal = ordinal
        self.intended = intended
        self.isMeasured = isMeasured
    }
}
