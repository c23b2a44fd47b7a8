package import PacelineSpeculation

/// What passes of a real target took, by rows.
package struct MeasuredCosts: Sendable {
    /// Where the figures come from.
    package var name: String
    package var curve: CostCurve
    /// As given: milliseconds by rows.
    package var figures: [String: Double]

    /// A curve from figures as `bench engine` prints them.
    ///
    /// - Parameter figures: milliseconds by number of rows, the number in decimal digits.
    /// - Throws: ``CostCurveError`` or ``CostsError`` naming what is wrong.
    package init(name: String, figures: [String: Double]) throws {
        self.name = name
        self.figures = figures
        let points = try figures.map { rows, milliseconds in
            guard let rows = Int(rows) else { throw CostsError(rows: rows) }
            return CostCurve.Point(rows: rows, milliseconds: milliseconds)
        }
        curve = try CostCurve(points)
    }
}

/// A number of rows that is none.
package struct CostsError: Error, Equatable, CustomStringConvertible {
    package let rows: String

    package var description: String {
        "a cost curve names its times by rows, such as {\"1\": 41.5, \"8\": 60}, and \(rows.debugDescription) is no number"
    }
}
