/// T(n): the milliseconds that one target pass over n rows takes, learnt from measurements.
///
/// Rows are all tokens of a pass, whoever they belong to: the last committed token of each running sequence, the nodes
/// of their trees, and prompt tokens. The curve is linear between measured points and never falls: measured points that
/// do are levelled (isotonic regression by pooling adjacent violators). It is not assumed to be smooth or convex: CPU
/// kernels have a jump from 1 row to 2 and are flat for a while behind it.
package struct CostCurve: Sendable, Hashable {
    package struct Point: Sendable, Hashable {
        package var rows: Int
        package var milliseconds: Double

        package init(rows: Int, milliseconds: Double) {
            self.rows = rows
            self.milliseconds = milliseconds
        }
    }

    /// The weight of a new measurement in the running average.
    private static let weight = 0.1
    /// A measurement this many times off the curve is taken for as many times off only: one stall of the machine must
    /// not end speculation.
    private static let outlierRatio = 3.0

    /// Averages as measured, by ascending number of rows.
    private var measured: [Point]
    /// ``measured``, levelled so that it never falls.
    package private(set) var points: [Point]

    /// A curve through measured points.
    ///
    /// - Parameter points: at least one; in any order; distinct numbers of rows of at least 1; positive finite times.
    /// - Throws: ``CostCurveError`` naming what is wrong.
    package init(_ points: [Point]) throws(CostCurveError) {
        guard !points.isEmpty else { throw .noPoints }
        for point in points where point.rows < 1 || !(point.milliseconds > 0 && point.milliseconds < .infinity) {
            throw .invalidPoint(point)
        }
        measured = points.sorted { $0.rows < $1.rows }
        for (point, next) in zip(measured, measured.dropFirst()) where point.rows == next.rows {
            throw .duplicatePoint(rows: point.rows)
        }
        self.points = Self.levelled(measured)
    }

    /// The expected milliseconds of a pass over `rows` rows; 0 for none.
    ///
    /// Constant before the first point; behind the last it goes on as steeply as the last two points say.
    package func milliseconds(rows: Int) -> Double {
        guard rows > 0, let first = points.first, let last = points.last else { return 0 }
        guard rows > first.rows else { return first.milliseconds }
        let upper = points.firstIndex { $0.rows >= rows } ?? points.count
        guard upper < points.count else { return last.milliseconds + Double(rows - last.rows) * finalSlope }
        let (left, right) = (points[upper - 1], points[upper])
        let share = Double(rows - left.rows) / Double(right.rows - left.rows)
        // Rounding must not lift it above the point it leads to.
        return Swift.min(left.milliseconds + share * (right.milliseconds - left.milliseconds), right.milliseconds)
    }

    /// The least that a row more than `rows` takes, when it comes alone or with some others: after a step of the curve
    /// rows are cheap, and it takes several to be worth the step.
    package func extraMilliseconds(after rows: Int) -> Double {
        let time = milliseconds(rows: rows)
        return [1, 2, 4, 8, 16].reduce(Double.infinity) { least, count in
            Swift.min(least, (milliseconds(rows: rows + count) - time) / Double(count))
        }
    }

    /// Learns from a pass that was made. Times that are not positive and finite are ignored.
    package mutating func observe(rows: Int, milliseconds: Double) {
        guard rows > 0, milliseconds > 0, milliseconds < .infinity else { return }
        let expected = self.milliseconds(rows: rows)
        let ratio = Swift.min(Swift.max(milliseconds / expected, 1 / Self.outlierRatio), Self.outlierRatio)
        for (index, share) in neighbours(of: rows) {
            measured[index].milliseconds *= 1 + Self.weight * share * (ratio - 1)
        }
        points = Self.levelled(measured)
    }

    private var finalSlope: Double {
        guard let last = points.last else { return 0 }
        guard points.count > 1 else { return last.milliseconds / Double(last.rows) }
        let previous = points[points.count - 2]
        return (last.milliseconds - previous.milliseconds) / Double(last.rows - previous.rows)
    }

    /// The points around a number of rows, and how much each of them says about it.
    private func neighbours(of rows: Int) -> [(index: Int, share: Double)] {
        let upper = measured.firstIndex { $0.rows >= rows } ?? measured.count
        guard upper < measured.count else { return [(measured.count - 1, 1)] }
        guard upper > 0, measured[upper].rows > rows else { return [(upper, 1)] }
        let (left, right) = (measured[upper - 1], measured[upper])
        let share = Double(rows - left.rows) / Double(right.rows - left.rows)
        return [(upper - 1, 1 - share), (upper, share)]
    }

    /// The non-falling sequence closest to `points` in the least-squares sense.
    private static func levelled(_ points: [Point]) -> [Point] {
        var pools: [(sum: Double, count: Int)] = []
        for point in points {
            var pool = (sum: point.milliseconds, count: 1)
            while let last = pools.last, last.sum / Double(last.count) > pool.sum / Double(pool.count) {
                pool = (pool.sum + last.sum, pool.count + last.count)
                pools.removeLast()
            }
            pools.append(pool)
        }
        let levels = pools.flatMap { repeatElement($0.sum / Double($0.count), count: $0.count) }
        return zip(points, levels).map { Point(rows: $0.rows, milliseconds: $1) }
    }
}
