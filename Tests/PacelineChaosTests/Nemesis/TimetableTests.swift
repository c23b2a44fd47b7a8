import PacelineCluster
import Testing

@testable import PacelineChaos

@Suite("A timetable of faults")
struct TimetableTests {
    private static func table(_ faults: [String], seed: UInt64 = 1, length: String = "60s") throws -> Timetable {
        try Timetable(ScheduleText.schedule(faults, length: length), seed: seed, path: "s.yaml")
    }

    @Test("is the same for the same seed, and another for another", arguments: [1, 2, 77, .max] as [UInt64])
    func seeds(seed: UInt64) throws {
        let table = try Self.table(ScheduleText.everyKind, seed: seed)
        #expect(try Self.table(ScheduleText.everyKind, seed: seed) == table)
        #expect(try Self.table(ScheduleText.everyKind, seed: seed &+ 1) != table)
    }

    @Test("lies within the length, in order, with all targets known", arguments: 1...50 as ClosedRange<UInt64>)
    func bounds(seed: UInt64) throws {
        let table = try Self.table(ScheduleText.everyKind, seed: seed)
        #expect(table.spans.allSatisfy { .zero <= $0.start && $0.start < $0.end && $0.end <= table.length })
        #expect(zip(table.spans, table.spans.dropFirst()).allSatisfy { $0.start <= $1.start })
        #expect(table.strikes.enumerated().allSatisfy { $0.offset == $0.element.number })
        for span in table.spans {
            let strike = table.strikes[span.strike]
            #expect(strike.targets.contains(span.effect.target))
            #expect(strike.start <= span.start && span.end <= strike.end)
        }
        // Nothing goes on beyond the moment at which everything heals.
        #expect(!table.spans.contains { $0.start < .seconds(40) && $0.end > .seconds(40) })
    }

    @Test("keeps the times of the other faults when one is changed")
    func independence() throws {
        let first = try Self.table(ScheduleText.everyKind)
        var faults = ScheduleText.everyKind
        faults[2] = "{down: [b, c], every: 1s..2s, for: 1s}"
        let second = try Self.table(faults)
        func others(_ table: Timetable) -> [FaultPlan] {
            table.strikes.filter { $0.fault != 2 }.map {
                FaultPlan(fault: $0.fault, kind: $0.kind, targets: $0.targets, start: $0.start, end: $0.end)
            }
        }
        #expect(others(first) == others(second))
        #expect(first != second)
    }

    @Test("draws every time from its range, and reaches most of it")
    func ranges() throws {
        let table = try Self.table(["{pause: web, every: 5s..10s, for: 1s..3s}"], length: "2h")
        let gaps = zip(table.strikes, table.strikes.dropFirst()).map { $1.start - $0.start }
        let lengths = table.strikes.dropLast().map { $0.end - $0.start }
        #expect(gaps.count > 800)
        #expect(gaps.allSatisfy { (.seconds(5) ... .seconds(10)).contains($0) })
        #expect(lengths.allSatisfy { (.seconds(1) ... .seconds(3)).contains($0) })
        #expect(gaps.contains { $0 < .milliseconds(5250) } && gaps.contains { $0 > .milliseconds(9750) })
    }

    @Test("picks so many targets as it is told, each about as often")
    func picks() throws {
        let table = try Self.table(["{down: [a, b, c, d], pick: 2, every: 1s, for: 500ms}"], length: "1000s")
        var counts: [String: Int] = [:]
        for strike in table.strikes {
            #expect(strike.targets.count == 2 && Set(strike.targets).count == 2)
            for target in strike.targets { counts[target, default: 0] += 1 }
        }
        // Half of 999; the standard deviation is 16.
        #expect(counts.count == 4 && counts.values.allSatisfy { (430...570).contains($0) })
    }

    @Test(
        "swizzles a half of the links: stopped one by one, started in another random order",
        arguments: 1...20 as ClosedRange<UInt64>
    )
    func swizzle(seed: UInt64) throws {
        let table = try Self.table(["{swizzle: [a, b, c, d], at: 10s, for: 8s, direction: upstream}"], seed: seed)
        #expect(table.spans.count == 2 && table.strikes[0].targets.count == 2)
        #expect(table.spans.map(\.start) == [.seconds(10), .seconds(12)])
        #expect(Set(table.spans.map(\.end)) == [.seconds(16), .seconds(18)])
        // All are cut at once at some moment, which a partition of random times would not give.
        let latest = try #require(table.spans.map(\.start).max())
        let earliest = try #require(table.spans.map(\.end).min())
        #expect(latest < earliest)
    }

    @Test("swizzles in every order over the seeds")
    func swizzleOrders() throws {
        var orders: Set<[String]> = []
        for seed in 1...300 as ClosedRange<UInt64> {
            let table = try Self.table(
                ["{swizzle: [a, b, c, d], pick: 3, at: 0, for: 6s, direction: upstream}"],
                seed: seed
            )
            let stops = table.spans.map(\.effect.target)
            let starts = table.spans.sorted { $0.end < $1.end }.map(\.effect.target)
            orders.insert(starts.map { "\(stops.firstIndex(of: $0) ?? -1)" })
        }
        #expect(orders.count == 6)
    }

    @Test("flaps within its time, down and up by turns")
    func flap() throws {
        let table = try Self.table(["{flap: a, down: 200ms, up: 300ms, at: 1s, for: 2s}"])
        let spans = table.spans.filter { $0.effect == .cut(link: "a", .upstream) }
        #expect(spans.map(\.start) == [1000, 1500, 2000, 2500].map { .milliseconds($0) })
        #expect(spans.map(\.end) == [1200, 1700, 2200, 2700].map { .milliseconds($0) })
    }

    @Test("cuts one direction or both")
    func directions() throws {
        let table = try Self.table(["{partition: a, at: 0, for: 1s}", "{partition: b, direction: upstream, at: 0}"])
        #expect(
            table.spans.map(\.effect) == [
                .cut(link: "a", .upstream), .cut(link: "a", .downstream), .cut(link: "b", .upstream),
            ]
        )
        #expect(table.spans.map(\.end) == [.seconds(1), .seconds(1), .seconds(60)])
    }

    @Test("has so many strikes as every, from and times say")
    func repetition() throws {
        let table = try Self.table(["{pause: web, every: 10s, from: 5s, times: 3, for: 1s}"])
        #expect(table.strikes.map(\.start) == [.seconds(5), .seconds(15), .seconds(25)])
        #expect(
            try Self.table(["{pause: web, every: 25s, for: 1s}"]).strikes.map(\.start) == [.seconds(25), .seconds(50)]
        )
    }
}
