import PacelineCluster
import PacelineSpeculation
import Testing

@testable import PacelineChaos

/// A machine with what its effects have done to links and processes, in virtual time.
private struct NemesisBench {
    var machine: NemesisMachine
    /// What is held at the moment, and everything that was done.
    var held: Set<String> = []
    var log: [String] = []
    var isFinished = false
    var now = Instant(nanoseconds: 1_000_000_000)

    init(_ faults: [String], seed: UInt64 = 1, length: String = "60s") throws {
        try self.init(ScheduleText.schedule(faults, length: length), seed: seed)
    }

    init(_ schedule: NemesisSchedule, seed: UInt64 = 1) throws {
        machine = try NemesisMachine(schedule, seed: seed, path: "s.yaml")
    }

    mutating func take(_ event: NemesisMachine.Event) {
        for effect in machine.handle(event, now: now) {
            switch effect {
            case .begin(let fault, let strike):
                let key = Self.key(fault, strike)
                // A stopped process that is killed goes on, to obey; one that comes back is not down for long.
                var lasts = true
                if case .kill(let process, _) = fault {
                    held.remove("pause \(process)")
                    lasts = !comesBack(process)
                }
                if lasts { #expect(held.insert(key).inserted, "\(key) begins twice") }
                log.append("\(seconds) begin \(key)")
            case .end(let fault, let strike):
                let key = Self.key(fault, strike)
                #expect(held.remove(key) != nil, "\(key) ends and did not begin")
                log.append("\(seconds) end \(key)")
            case .tell: break
            case .finish:
                #expect(!isFinished)
                isFinished = true
            }
        }
    }

    private func comesBack(_ process: String) -> Bool {
        machine.schedule.processes.contains { $0.name == process && $0.comesBack }
    }

    private var seconds: Int { Int((now - Instant(nanoseconds: 1_000_000_000)) / .seconds(1)) }

    private static func key(_ fault: FaultEffect, _ strike: Int) -> String {
        switch fault {
        case .cut(let link, let direction): "cut \(link) \(direction)"
        case .disable(let link): "down \(link)"
        case .toxic(let link, _): "toxic \(link) \(strike)"
        case .kill(let process, _): "kill \(process)"
        case .pause(let process): "pause \(process)"
        }
    }

    mutating func check(_ failure: String? = nil, took: Duration = .zero) {
        take(.checked(CheckResult(check: 0, began: now + (.zero - took), took: took, failure: failure)))
    }

    /// Goes from due moment to due moment, up to `end`.
    mutating func run(until end: Duration) {
        let end = Instant(nanoseconds: 1_000_000_000) + end
        while let due = machine.nextDue, due <= end {
            now = max(now, due)
            take(.tick)
        }
        now = max(now, end)
    }

    mutating func begin() {
        take(.started)
        check()
    }
}

@Suite("The machine of a nemesis")
struct NemesisMachineTests {
    @Test("strikes nothing before the service is healthy, and gives up if it never is")
    func health() throws {
        var bench = try NemesisBench(["{pause: web, at: 0, for: 1s}"])
        bench.take(.started)
        bench.check("down")
        bench.run(until: .seconds(4))
        #expect(bench.log.isEmpty && !bench.machine.isDone)
        var late = bench
        late.run(until: .seconds(6))
        #expect(late.machine.phase == .done(.neverHealthy(["page"])) && late.isFinished && late.log.isEmpty)
        bench.check()
        #expect(bench.log == ["4 begin pause web"])
    }

    @Test("does everything at its time, and the length later heals and waits for three successes")
    func course() throws {
        var bench = try NemesisBench(["{partition: a, direction: upstream, at: 5s, for: 3s}", "{down: b, at: 9s}"])
        bench.begin()
        bench.run(until: .seconds(60))
        #expect(
            bench.log == ["5 begin cut a upstream", "8 end cut a upstream", "9 begin down b", "60 end down b"]
        )
        bench.check()
        bench.check("slow")
        bench.check()
        bench.check()
        #expect(!bench.machine.isDone)
        bench.run(until: .seconds(63))
        bench.check()
        #expect(bench.machine.phase == .done(.recovered(after: .zero)) && bench.isFinished)
    }

    @Test("tells how long the service took to recover, and that it did not within its time")
    func recovery() throws {
        var bench = try NemesisBench(["{pause: web, at: 50s}"])
        bench.begin()
        bench.run(until: .seconds(62))
        bench.check("down")
        bench.run(until: .seconds(64))
        var dead = bench
        for _ in 0..<3 { bench.check() }
        #expect(bench.machine.phase == .done(.recovered(after: .seconds(4))))
        dead.check()
        dead.check()
        dead.run(until: .seconds(71))
        #expect(dead.machine.phase == .done(.notRecovered(["page"])) && dead.isFinished)
    }

    @Test("does not take a try from before the healing for recovery")
    func oldTries() throws {
        var bench = try NemesisBench(["{pause: web, at: 50s}"])
        bench.begin()
        bench.run(until: .seconds(60))
        for _ in 0..<5 { bench.check(took: .seconds(1)) }
        #expect(!bench.machine.isDone)
    }

    @Test("holds what several faults hold until the last of them ends")
    func overlap() throws {
        var bench = try NemesisBench([
            "{partition: a, direction: upstream, at: 1s, for: 5s}",
            "{partition: a, direction: upstream, at: 3s, for: 6s}",
            "{kill: web, at: 10s, for: 5s}", "{kill: web, at: 12s, for: 1s}",
        ])
        bench.begin()
        bench.run(until: .seconds(59))
        #expect(
            bench.log == ["1 begin cut a upstream", "9 end cut a upstream", "10 begin kill web", "15 end kill web"]
        )
        #expect(bench.machine.outcomes.map(\.remark) == [nil, nil, nil, "web was killed at the time"])
    }

    /// Faults of a process that somebody else starts again.
    private static func supervised(_ faults: String) throws -> NemesisBench {
        let text = "length: 60s\nprocesses: {s: {port: 1}}\nchecks: {c: {tcp: \"h:1\"}}\nfaults: [\(faults)]"
        var bench = try NemesisBench(NemesisSchedule(text, path: "s.yaml"))
        bench.begin()
        bench.run(until: .seconds(59))
        return bench
    }

    @Test("makes every kill of a process that a supervisor starts again, and pauses it in between")
    func supervised() throws {
        let bench = try Self.supervised(
            "{kill: s, every: 5s, times: 3}, {pause: s, at: 7s, for: 1s}, {pause: s, at: 14s, for: 5s}"
        )
        #expect(
            bench.log == [
                "5 begin kill s", "7 begin pause s", "8 end pause s", "10 begin kill s", "14 begin pause s",
                "15 begin kill s",
            ]
        )
        #expect(bench.machine.outcomes.allSatisfy { $0.remark == nil } && bench.held.isEmpty)
    }

    private static func notMade(_ bench: inout NemesisBench, _ strike: Int, lasts: Bool) {
        bench.take(.notMade(.kill(process: "web", .kill), strike: strike, reason: "no", lasts: lasts))
    }

    @Test("starts nothing again after a kill that was not made, unless the process was gone", arguments: [true, false])
    func failedKill(isGone: Bool) throws {
        var bench = try NemesisBench(["{kill: web, at: 5s, for: 5s}", "{pause: web, at: 7s, for: 1s}"])
        bench.begin()
        bench.run(until: .seconds(6))
        Self.notMade(&bench, 0, lasts: isGone)
        if !isGone { bench.held.remove("kill web") }
        bench.run(until: .seconds(59))
        #expect(
            bench.log == ["5 begin kill web"]
                + (isGone ? ["10 end kill web"] : ["7 begin pause web", "8 end pause web"])
        )
        #expect(bench.machine.outcomes[0].failure == "no")
    }

    @Test("has the next fault do what the first one that holds it could not")
    func successor() throws {
        var bench = try NemesisBench(["{kill: web, at: 5s, for: 5s}", "{kill: web, at: 6s, for: 5s}"])
        bench.begin()
        bench.run(until: .seconds(7))
        bench.held.remove("kill web")
        Self.notMade(&bench, 0, lasts: false)
        bench.run(until: .seconds(59))
        #expect(bench.log == ["5 begin kill web", "7 begin kill web", "11 end kill web"])
        #expect(bench.machine.outcomes.map(\.remark) == [nil, nil])
    }

    @Test("takes what could not be healed even after its end")
    func failureAtTheEnd() throws {
        var bench = try NemesisBench(["{kill: web, at: 5s}"])
        bench.begin()
        bench.run(until: .seconds(7))
        bench.take(.interrupted)
        let effects = bench.machine.handle(.notHealed(strike: 0, reason: "no program"), now: bench.now)
        #expect(effects == [.tell("fault 1 could not be healed: no program")])
        let report = NemesisReport(bench.machine)
        #expect(report.faults[0].healFailure == "no program" && report.faults[0].failure == nil)
        #expect(!report.isSuccess && report.verdict == "interrupted")
    }

    @Test("counts the time without a success up to the end")
    func gap() throws {
        var bench = try NemesisBench(["{pause: web, at: 5s}"])
        bench.begin()
        bench.run(until: .seconds(10))
        bench.check()
        // The next try hangs.
        bench.run(until: .seconds(50))
        bench.take(.interrupted)
        #expect(NemesisReport(bench.machine).checks[0].longestGapMS == 40_000)
    }

    @Test("neither pauses a killed process nor continues one that a kill has replaced")
    func killAndPause() throws {
        var bench = try NemesisBench([
            "{pause: web, at: 1s, for: 9s}", "{kill: web, at: 3s, for: 2s}", "{pause: web, at: 4s, for: 3s}",
        ])
        bench.begin()
        bench.run(until: .seconds(59))
        #expect(bench.log == ["1 begin pause web", "3 begin kill web", "5 end kill web"])
        #expect(bench.machine.outcomes.map(\.remark) == [nil, nil, "web was killed at the time"])
    }

    @Test("ends whatever it has begun, whenever it is interrupted", arguments: 1...200 as ClosedRange<UInt64>)
    func interruption(seed: UInt64) throws {
        var bench = try NemesisBench(ScheduleText.everyKind, seed: seed)
        var random = SplitMix(seed: seed)
        bench.begin()
        bench.run(until: .milliseconds(random.next(below: 75_000)))
        bench.take(.interrupted)
        #expect(bench.held.isEmpty && bench.machine.isDone && bench.isFinished)
        #expect(bench.machine.nextDue == nil)
    }

    @Test("does the same with the same seed, however late its clock is", arguments: 1...50 as ClosedRange<UInt64>)
    func repeatable(seed: UInt64) throws {
        func effects(_ step: Duration) throws -> [String] {
            var bench = try NemesisBench(ScheduleText.everyKind, seed: seed)
            bench.begin()
            while !bench.machine.isDone {
                bench.now = bench.now + step
                bench.take(.tick)
            }
            #expect(bench.held.isEmpty)
            return bench.log.map { $0.split(separator: " ").dropFirst().joined(separator: " ") }
        }
        #expect(try effects(.milliseconds(10)) == effects(.seconds(7)))
    }

    @Test("ends every fault when the schedule heals, and goes on with those that come later")
    func heal() throws {
        var bench = try NemesisBench([
            "{pause: web, at: 1s}", "{kill: db, at: 2s, for: 50s}", "{heal: all, at: 10s}",
            "{down: a, at: 12s, for: 1s}",
        ])
        bench.begin()
        bench.run(until: .seconds(59))
        #expect(
            bench.log == [
                "1 begin pause web", "2 begin kill db", "10 end pause web", "10 end kill db", "12 begin down a",
                "13 end down a",
            ]
        )
        #expect(bench.machine.outcomes.map(\.ended) == [10, 10, 10, 13].map { .seconds($0) })
    }

    @Test("tells what each fault cost, and what could not be made")
    func report() throws {
        var bench = try NemesisBench(["{pause: web, at: 5s, for: 5s}", "{kill: db, at: 20s, for: 1s}"])
        bench.begin()
        bench.run(until: .seconds(7))
        bench.check("late")
        bench.check("later")
        bench.run(until: .seconds(12))
        bench.check()
        bench.run(until: .seconds(21))
        let kill = FaultEffect.kill(process: "db", .kill)
        bench.take(.notMade(kill, strike: 1, reason: "nobody listens on port 1", lasts: true))
        bench.take(.ended(process: "web", ending: "exit status 3"))
        bench.run(until: .seconds(60))
        for _ in 0..<3 { bench.check() }
        let report = NemesisReport(bench.machine)
        #expect(report.verdict == "recovered" && !report.isSuccess)
        #expect(report.faults[0].beganMS == 5000 && report.faults[0].endedMS == 10_000)
        #expect(report.faults[0].failedChecks == 2 && report.faults[0].recoveredAfterMS == 2000)
        #expect(report.faults[1].failure == "nobody listens on port 1")
        #expect(report.ended.map(\.process) == ["web"])
        let check = report.checks[0]
        #expect(check.failed == 2 && check.succeeded == 4 && check.longestGapMS == 48_000)
        #expect(check.firstFailure == "late" && check.latestFailure == "later")
        #expect(check.failedBySecond[7] == 2 && check.succeededBySecond[12] == 1)
    }
}
