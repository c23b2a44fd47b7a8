import PacelineSpeculation

/// Which passes a ``CostProbe`` runs: sweeps over growing numbers of rows for as long as their time allows.
///
/// A pass is run only if it is expected to end within the budget, which bounds the delay at start-up. The curve
/// extrapolates what a slow machine has no time to measure.
struct CostSchedule {
    /// Rows of the passes of a sweep.
    static let rows = [1, 2, 4, 8, 16, 24, 32, 48, 64]
    /// Sweeps at most: the median of three withstands one stall.
    static let sweeps = 3
    /// Milliseconds that all passes together may take.
    static let budget = 1_000.0

    private var samples: [Int: [Double]] = [:]
    private var spent = 0.0
    private var done = 0

    /// Rows of the next pass; nil when the measurement is over.
    var next: Int? {
        guard done < Self.sweeps * Self.rows.count else { return nil }
        let rows = Self.rows[done % Self.rows.count]
        return done == 0 || spent + expected(rows) <= Self.budget ? rows : nil
    }

    /// Counts time that was spent without a sample.
    mutating func spend(milliseconds: Double) {
        spent += milliseconds
    }

    /// Takes the time of the pass that ``next`` asked for.
    mutating func record(milliseconds: Double) {
        samples[Self.rows[done % Self.rows.count], default: []].append(milliseconds)
        spent += milliseconds
        done += 1
    }

    /// The median of what was measured.
    ///
    /// - Throws: ``CostCurveError`` if nothing was.
    func curve() throws(CostCurveError) -> CostCurve {
        try CostCurve(
            samples.map { rows, times in
                CostCurve.Point(rows: rows, milliseconds: times.sorted()[times.count / 2])
            }
        )
    }

    /// The longest that a pass should take: as long as it did before, or as its rows did in the next smaller pass.
    private func expected(_ rows: Int) -> Double {
        if let known = samples[rows]?.max() { return known }
        let smaller = samples.keys.filter { $0 < rows }.max() ?? rows
        guard let time = samples[smaller]?.max() else { return 0 }
        return time * Double(rows) / Double(smaller)
    }
}
