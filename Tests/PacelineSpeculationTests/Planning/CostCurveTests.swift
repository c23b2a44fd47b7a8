import PacelineSpeculation
import Testing

@Suite("Cost curve")
struct CostCurveTests {
    @Test("passes through the measured points; is linear between them, constant before and keeps its slope after")
    func interpolation() throws {
        let curve = try CostCurve([
            .init(rows: 2, milliseconds: 20), .init(rows: 8, milliseconds: 32), .init(rows: 16, milliseconds: 64),
        ])
        let expected = [0: 0, 1: 20, 2: 20, 5: 26, 8: 32, 12: 48, 16: 64, 20: 80.0]
        for (rows, milliseconds) in expected { #expect(curve.milliseconds(rows: rows) == milliseconds) }
    }

    @Test("after a single point, the cost per row stays the same")
    func singlePoint() throws {
        let curve = try CostCurve([.init(rows: 4, milliseconds: 8)])
        #expect(curve.milliseconds(rows: 1) == 8)
        #expect(curve.milliseconds(rows: 8) == 16)
    }

    @Test("never falls, whatever the measurements", arguments: 0..<20)
    func monotone(seed: UInt64) throws {
        var generator = SplitMix(seed: seed)
        var rows = Set<Int>()
        while rows.count < 6 { rows.insert(Int.random(in: 1...64, using: &generator)) }
        var curve = try CostCurve(
            rows.sorted().map { .init(rows: $0, milliseconds: Double.random(in: 1...50, using: &generator)) }
        )
        for _ in 0..<300 {
            let milliseconds = (0...100).map { curve.milliseconds(rows: $0) }
            #expect(zip(milliseconds, milliseconds.dropFirst()).allSatisfy { $0 <= $1 })
            #expect(milliseconds.dropFirst().allSatisfy { $0 > 0 })
            curve.observe(
                rows: Int.random(in: 1...100, using: &generator),
                milliseconds: Double.random(in: 1...100, using: &generator)
            )
        }
    }

    @Test("falling points are levelled to their mean, the others stay")
    func levelling() throws {
        let curve = try CostCurve([
            .init(rows: 1, milliseconds: 10), .init(rows: 2, milliseconds: 42), .init(rows: 4, milliseconds: 38),
            .init(rows: 8, milliseconds: 50),
        ])
        #expect(curve.points.map(\.milliseconds) == [10, 40, 40, 50])
    }

    @Test("follows a machine's speed also at sizes that are not in use, and learns the shape from those that are")
    func speed() throws {
        let points = [1, 2, 4, 8].map { CostCurve.Point(rows: $0, milliseconds: 10 + Double($0)) }
        var curve = try CostCurve(points)
        // It was measured in a slow hour. Plain passes alone show that it is over.
        for _ in 0..<200 { curve.observe(rows: 1, milliseconds: 5.5) }
        #expect(abs(curve.milliseconds(rows: 1) / 5.5 - 1) < 0.02)
        #expect(curve.milliseconds(rows: 8) < 1.3 * 9)
        // Passes of another kind say nothing about the speed.
        for _ in 0..<200 { curve.observe(rows: 8, milliseconds: 20, isTypical: false) }
        #expect(abs(curve.milliseconds(rows: 8) / 20 - 1) < 0.02)
        #expect(abs(curve.milliseconds(rows: 1) / 5.5 - 1) < 0.02)
    }

    @Test("follows a machine that becomes slower, at every point near the observed passes")
    func follows() throws {
        var curve = try CostCurve([1, 2, 4, 8, 16].map { .init(rows: $0, milliseconds: 10 + Double($0)) })
        for _ in 0..<200 {
            for rows in 1...16 { curve.observe(rows: rows, milliseconds: 2 * (10 + Double(rows))) }
        }
        for rows in 1...16 {
            #expect(abs(curve.milliseconds(rows: rows) / (2 * (10 + Double(rows))) - 1) < 0.02)
        }
    }

    @Test("one stall changes little, and invalid times change nothing")
    func outliers() throws {
        let before = try CostCurve([.init(rows: 1, milliseconds: 10), .init(rows: 8, milliseconds: 20)])
        var curve = before
        curve.observe(rows: 8, milliseconds: 60_000)
        #expect(curve.milliseconds(rows: 8) <= 24.0001)
        curve = before
        for bad in [0, -1, Double.nan, .infinity] { curve.observe(rows: 8, milliseconds: bad) }
        curve.observe(rows: 0, milliseconds: 5)
        #expect(curve == before)
    }

    @Test("refuses measurements that do not form a curve")
    func errors() {
        #expect(throws: CostCurveError.noPoints) { try CostCurve([]) }
        let zero = CostCurve.Point(rows: 0, milliseconds: 1)
        #expect(throws: CostCurveError.invalidPoint(zero)) { try CostCurve([zero]) }
        let negative = CostCurve.Point(rows: 1, milliseconds: -1)
        #expect(throws: CostCurveError.invalidPoint(negative)) { try CostCurve([negative]) }
        #expect(throws: CostCurveError.self) { try CostCurve([.init(rows: 1, milliseconds: .nan)]) }
        let point = CostCurve.Point(rows: 3, milliseconds: 1)
        #expect(throws: CostCurveError.duplicatePoint(rows: 3)) { try CostCurve([point, point]) }
    }
}
