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
        let schedule = try ScheduleText.schedule(faults, length: length)
        machine = try NemesisMachine(schedule, seed: seed, path: "s.yaml")
    }

    mutating func take(_ event: NemesisMachine.Event) {
        for effect in machine.handle(event, now: now) {
            switch effect {
            case .begin(let fault, let strike):
                let key = Self.key(fault, strike)
                // A killed process is down; a stopped one that is killed is not stopped any more.
                #expect(held.insert(key).inserted, "\(key) begins twice")
                if case .kill(let process, _) = fault { held.remove("pause \(process)") }
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
        bench.take(.failed(strike: 1, reason: "nobody listens on port 1"))
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
