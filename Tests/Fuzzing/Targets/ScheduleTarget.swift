import PacelineChaos
import PacelineCluster

/// Schedules of a nemesis. One that is accepted is taken to its end in virtual time, with checks that always succeed.
struct ScheduleTarget: FuzzTarget {
    /// Of a run; whatever is left then ends with an interruption.
    private static let steps = 2000

    init() {}

    mutating func execute(_ input: [UInt8]) throws -> Bool {
        guard let text = String(validating: input, as: UTF8.self) else { return false }
        do {
            let schedule = try NemesisSchedule(text, path: "s.yaml")
            try run(NemesisMachine(schedule, seed: schedule.seed, path: "s.yaml"))
            return true
        } catch let error as ScheduleError {
            guard error.line > 0, error.column > 0, !error.reason.isEmpty, !"\(error)".contains("\n") else {
                throw FuzzFinding("an error without a place, or of several lines: \(error)")
            }
            return false
        }
    }

    private func run(_ machine: NemesisMachine) throws {
        var machine = machine
        var now = Instant(nanoseconds: 1_000_000_000)
        var links: Set<FaultEffect> = []
        func take(_ event: NemesisMachine.Event) {
            for effect in machine.handle(event, now: now) {
                switch effect {
                case .begin(let fault, _): if fault.isOfLink { links.insert(fault) }
                case .end(let fault, _): links.remove(fault)
                case .tell, .finish: break
                }
            }
        }
        func check() {
            for index in machine.schedule.checks.indices {
                take(.checked(CheckResult(check: index, began: now, took: .zero, failure: nil)))
            }
        }
        take(.started)
        check()
        for _ in 0..<Self.steps {
            guard let due = machine.nextDue else { break }
            now = max(now, due)
            take(.tick)
            check()
        }
        take(.interrupted)
        guard links.isEmpty, machine.isDone else { throw FuzzFinding("\(links) are left") }
    }

    func seeds() throws -> [FuzzSeed] {
        let parts = """
            processes: {p: {run: [sleep, "9"]}, q: {pid-file: /run/q.pid, restart: service q start}}
            links: {a: {listen: "[::1]:1", upstream: "h:2"}, b: {listen: "127.0.0.1:3", upstream: "[::1]:4"}}
            checks: {c: {http: "http://127.0.0.1:5/", every: 1s}, d: {command: "true", clients: 2}}
            """
        let faults = [
            "{kill: p, at: 1s, for: 2s}", "{kill: [p, q], signal: TERM, every: 3s..5s, pick: 1}",
            "{pause: q, at: [1s, 2s], for: 500ms}", "{partition: a, at: 0, for: 1s}",
            "{partition: b, direction: upstream, at: 1s, for: 1s}", "{flap: a, down: 400ms, at: 1s, for: 4s}",
            "{swizzle: [a, b], at: 1s, for: 5s}",
            "{toxic: a, type: latency, attributes: {latency: 80}, at: 0, for: 1s}",
            "{heal: all, at: 4s}", "{any: [{kill: p, for: 1s}, {pause: q, for: 1s}], every: 2s, times: 3}",
        ]
        return faults.enumerated().map { place, fault in
            FuzzSeed("fault-\(place)", Array("length: 9s\n\(parts)\nfaults: [\(fault)]\n".utf8))
        }
    }
}

extension FaultEffect {
    fileprivate var isOfLink: Bool {
        switch self {
        case .cut, .disable, .toxic: true
        case .kill, .pause: false
        }
    }
}
