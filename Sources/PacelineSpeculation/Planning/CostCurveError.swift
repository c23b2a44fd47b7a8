/// Why measurements do not form a cost curve.
package enum CostCurveError: Error, Hashable, Sendable {
    case noPoints
    case invalidPoint(CostCurve.Point)
    case duplicatePoint(rows: Int)
}

extension CostCurveError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .noPoints:
            "a cost curve needs at least one measured point"
        case .invalidPoint(let point):
            "a point of a cost curve needs at least 1 row and a positive time, not \(point.rows) rows in "
                + "\(point.milliseconds) ms"
        case .duplicatePoint(let rows):
            "a cost curve needs one point per number of rows, but \(rows) rows came twice"
        }
    }
}
