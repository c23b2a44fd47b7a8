package import PacelineSpeculation

/// What passes of a real target took, by rows.
package struct MeasuredCosts: Sendable {
    /// Where the figures come from.
    package var name: String
    package var curve: CostCurve
    /// As given: milliseconds by rows.
    package var figures: [String: Double]

    /// What a pass may be said to take: from less than any takes to an hour. Far shorter ones would never let virtual
    /// time pass.
    private static let milliseconds = 0.001...3_600_000
    /// Of one pass.
    private static let rows = 1...65_536

    /// A curve from figures as `bench engine` prints them.
    ///
    /// - Parameter figures: milliseconds by number of rows, the number in decimal digits.
    /// - Throws: ``CostCurveError`` or ``CostsError`` naming what is wrong.
    package init(name: String, figures: [String: Double]) throws {
        self.name = name
        self.figures = figures
        let points = try figures.map { rows, milliseconds in
            guard let rows = Int(rows) else { throw CostsError.noNumber(rows) }
            guard Self.rows.contains(rows), Self.milliseconds.contains(milliseconds) else {
                throw CostsError.outOfRange(rows: rows, milliseconds: milliseconds)
            }
            return CostCurve.Point(rows: rows, milliseconds: milliseconds)
        }
        curve = try CostCurve(points)
    }
}

/// Figures that are no costs of passes.
package enum CostsError: Error, Equatable, CustomStringConvertible {
    /// A number of rows that is none.
    case noNumber(String)
    case outOfRange(rows: Int, milliseconds: Double)

    package var description: String {
        switch self {
        case .noNumber(let rows):
            "a cost curve names its times by rows, such as {\"1\": 41.5, \"8\": 60}, "
                + "and \(rows.debugDescription) is no "
                + "number"
        case .outOfRange(let rows, let milliseconds):
            "a cost curve is of passes over 1 to 65536 rows that take 0.001 to 3600000 ms, not of \(rows) rows in "
                + "\(milliseconds) ms"
        }
    }
}
