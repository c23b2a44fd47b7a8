import PacelineSpeculation

/// What a fault does to one thing.
package enum FaultEffect: Sendable, Hashable {
    case cut(link: String, StreamDirection)
    case disable(link: String)
    case toxic(link: String, ToxicDefinition)
    case kill(process: String, ProcessSignal)
    case pause(process: String)

    /// The link or process.
    package var target: String {
        switch self {
        case .cut(let name, _), .disable(let name), .toxic(let name, _), .kill(let name, _), .pause(let name): name
        }
    }
}

/// An effect from one moment to another, both from the beginning of the faults.
package struct FaultSpan: Sendable, Hashable {
    /// The strike that it belongs to, from 0 on.
    package var strike: Int
    package var start: Duration
    package var end: Duration
    package var effect: FaultEffect
}

/// One time that a fault strikes.
package struct FaultStrike: Sendable, Hashable {
    /// From 0 on, in the order of time.
    package var number: Int
    /// The fault of the schedule, from 0 on.
    package var fault: Int
    package var kind: FaultChoice.Kind
    /// Those that were chosen.
    package var targets: [String]
    package var start: Duration
    package var end: Duration
}

/// When everything of a schedule happens: a function of the schedule and a seed, and of nothing else.
///
/// Each fault of the schedule has random numbers of its own, so that a change to one leaves the times of the others.
package struct Timetable: Sendable, Hashable {
    /// The most effects of a schedule.
    static let limit = 100_000

    package let length: Duration
    /// In the order of their beginnings.
    package private(set) var strikes: [FaultStrike] = []
    package private(set) var spans: [FaultSpan] = []

    /// - Parameter path: of the schedule, for errors.
    /// - Throws: ``ScheduleError`` if there may be too many effects, or one may come after the end.
    package init(_ schedule: NemesisSchedule, seed: UInt64, path: String) throws(ScheduleError) {
        length = schedule.length
        var plans: [FaultPlan] = []
        try Self.check(schedule, path: path)
        for (index, fault) in schedule.faults.enumerated() {
            var planner = FaultPlanner(fault, number: index, seed: seed, length: length)
            while let plan = planner.next() { plans.append(plan) }
        }
        heal(&plans)
        number(plans)
    }

    /// Refuses what some seed would make too much or too late of: a schedule is valid for all seeds or for none.
    private static func check(_ schedule: NemesisSchedule, path: String) throws(ScheduleError) {
        var count = 0.0
        for fault in schedule.faults {
            count += fault.mostEffects(within: schedule.length)
            let excess = "there may be more than \(limit) faults; raise the lower end of every, or set times"
            guard let reason = fault.problem(within: schedule.length) ?? (count > Double(limit) ? excess : nil) else {
                continue
            }
            throw ScheduleError(path: path, line: fault.line, column: fault.column, reason: reason)
        }
    }

    /// Cuts off what is still going on when everything is healed.
    private func heal(_ plans: inout [FaultPlan]) {
        let moments = plans.filter { $0.kind == .heal }.map(\.start).sorted()
        guard !moments.isEmpty else { return }
        for index in plans.indices where plans[index].kind != .heal {
            let start = plans[index].start
            guard let moment = moments.first(where: { $0 > start }) else { continue }
            plans[index].clip(to: moment)
        }
    }

    private mutating func number(_ plans: [FaultPlan]) {
        let ordered = plans.enumerated().sorted { ($0.element.start, $0.offset) < ($1.element.start, $1.offset) }
        for (number, plan) in ordered.map(\.element).enumerated() {
            strikes.append(
                FaultStrike(
                    number: number,
                    fault: plan.fault,
                    kind: plan.kind,
                    targets: plan.targets,
                    start: plan.start,
                    end: plan.end
                )
            )
            for span in plan.spans {
                spans.append(FaultSpan(strike: number, start: span.start, end: span.end, effect: span.effect))
            }
        }
        spans = spans.enumerated().sorted { ($0.element.start, $0.offset) < ($1.element.start, $1.offset) }
            .map(\.element)
    }
}

/// One strike before it has a number.
struct FaultPlan: Sendable, Hashable {
    var fault: Int
    var kind: FaultChoice.Kind
    var targets: [String]
    var start: Duration
    var end: Duration
    var spans: [FaultSpan] = []

    mutating func add(_ effect: FaultEffect, from start: Duration, to end: Duration) {
        guard start < end else { return }
        spans.append(FaultSpan(strike: 0, start: start, end: end, effect: effect))
    }

    /// Ends everything at `moment` at the latest.
    mutating func clip(to moment: Duration) {
        end = min(end, moment)
        spans.removeAll { $0.start >= moment }
        for index in spans.indices { spans[index].end = min(spans[index].end, moment) }
    }
}
