import PacelineSpeculation
import Testing

@testable import PacelineCluster

@Suite("Cost schedule")
struct CostScheduleTests {
    /// Runs a schedule on a machine whose passes take `milliseconds`; returns what was run and how long all took.
    private func run(_ milliseconds: (Int) -> Double) throws -> (passes: [Int], spent: Double, curve: CostCurve) {
        var schedule = CostSchedule()
        var passes: [Int] = []
        var spent = 0.0
        while let rows = schedule.next {
            passes.append(rows)
            spent += milliseconds(rows)
            schedule.record(milliseconds: milliseconds(rows))
        }
        return (passes, spent, try schedule.curve())
    }

    @Test("A fast machine measures every size three times")
    func fast() throws {
        let (passes, _, curve) = try run { 1 + Double($0) / 10 }
        #expect(passes == CostSchedule.rows + CostSchedule.rows + CostSchedule.rows)
        #expect(curve.milliseconds(rows: 64) == 7.4)
    }

    @Test(
        "Measuring ends within a second if a pass takes no longer than its rows one by one",
        arguments: [1.0, 5, 20, 60, 150, 400, 900]
    )
    func slow(first: Double) throws {
        for perRow in [0, 0.05, 0.3, 1] {
            let (passes, spent, _) = try run { first * (1 + perRow * Double($0 - 1)) }
            #expect(spent <= 1_000)
            #expect(passes.starts(with: [1]))
        }
    }

    @Test("The first size is measured on any machine, since a curve needs a point")
    func verySlow() throws {
        let (passes, _, curve) = try run { _ in 30_000 }
        #expect(passes == [1])
        #expect(curve.milliseconds(rows: 1) == 30_000)
    }

    @Test("One stalled pass does not enter the curve of a machine that is measured three times")
    func stalled() throws {
        var isFirst = true
        let (_, _, curve) = try run { rows in
            if rows == 8, isFirst {
                isFirst = false
                return 400
            }
            return 2
        }
        #expect(curve.milliseconds(rows: 8) == 2)
    }

    @Test("Time spent before the first pass counts")
    func spentBefore() {
        var schedule = CostSchedule()
        schedule.spend(milliseconds: 990)
        schedule.record(milliseconds: 9)
        #expect(schedule.next == nil)
    }
}
