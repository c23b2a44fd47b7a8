package import PacelineSpeculation

/// Measured times of a real target's passes, by rows.
package struct MeasuredCosts: Sendable {
    /// Where the figures come from.
    package var name: String
    package var curve: CostCurve
    /// As given: milliseconds by rows.
    package var figures: [String: Double]

    /// Plausible times of a pass. With far shorter ones, virtual time would hardly advance.
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
            guard let rows = Int(rows) else { throw CostsError.notANumber(rows) }
            guard Self.rows.contains(rows), Self.milliseconds.contains(milliseconds) else {
                throw CostsError.outOfRange(rows: rows, milliseconds: milliseconds)
            }
            return CostCurve.Point(rows: rows, milliseconds: milliseconds)
        }
        curve = try CostCurve(points)
    }
}

/// Why figures cannot be a cost curve.
package enum CostsError: Error, Equatable, CustomStringConvertible {
    /// A key that is not a number of rows.
    case notANumber(String)
    case outOfRange(rows: Int, milliseconds: Double)

    package var description: String {
        switch self {
        case .notANumber(let rows):
            "\(rows.debugDescription) is not a number of rows; write a cost curve as {\"1\": 41.5, \"8\": 60}: "
                + "milliseconds by rows"
        case .outOfRange(let rows, let milliseconds):
            "a pass over \(rows) row\(rows == 1 ? "" : "s") in \(milliseconds) ms is out of range: "
                + "give times of 0.001 to 3600000 ms for 1 to 65536 rows"
        }
    }
}
