/// T(n): the milliseconds that one target pass over n rows takes, learnt from measurements.
///
/// Rows are all tokens of a pass: the last committed token of each running sequence, the nodes of their trees, and
/// prompt tokens. The curve is linear between measured points and never falls; falling points are levelled (isotonic
/// regression by pooling adjacent violators). It need not be smooth or convex: CPU kernels jump from 1 row to 2 and
/// then stay flat for a while.
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
    /// How much of it goes to all points alike, because the machine has become faster or slower, and not the kind of
    /// pass. Otherwise a machine that was slow when it was first measured would leave the sizes that are not in use too
    /// dear for ever: plain passes alone would seem to get cheaper.
    private static let speedShare = 0.8
    /// Measurements that are further off the curve than this factor are clamped to it, so that one stall of the
    /// machine cannot end speculation.
    private static let outlierRatio = 3.0

    /// Running averages of the measurements, by ascending number of rows.
    private var measured: [Point]
    /// ``measured``, levelled so that it never falls.
    package private(set) var points: [Point]

    /// A curve through measured points.
    ///
    /// - Parameter points: at least one, in any order, with distinct numbers of rows (1 or more) and positive times.
    /// - Throws: ``CostCurveError`` that names what is wrong.
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
    /// Constant before the first point; after the last it continues with the slope of the last two points.
    package func milliseconds(rows: Int) -> Double {
        guard rows > 0, let first = points.first, let last = points.last else { return 0 }
        guard rows > first.rows else { return first.milliseconds }
        let upper = points.firstIndex { $0.rows >= rows } ?? points.count
        guard upper < points.count else { return last.milliseconds + Double(rows - last.rows) * finalSlope }
        let (left, right) = (points[upper - 1], points[upper])
        let share = Double(rows - left.rows) / Double(right.rows - left.rows)
        // Rounding must not lift the result above the right point.
        return Swift.min(left.milliseconds + share * (right.milliseconds - left.milliseconds), right.milliseconds)
    }

    /// The least time per additional row beyond `rows`, whether one row comes or several. Rows are cheap after a step
    /// of the curve, so several together may be worth the step when one is not.
    package func extraMilliseconds(after rows: Int) -> Double {
        let time = milliseconds(rows: rows)
        return [1, 2, 4, 8, 16].reduce(Double.infinity) { least, count in
            Swift.min(least, (milliseconds(rows: rows + count) - time) / Double(count))
        }
    }

    /// Learns from a finished pass. Ignores times that are not positive and finite.
    ///
    /// - Parameter isTypical: whether the pass is of the kind that the curve is for, so that its time also says how
    ///   fast the machine is at present.
    package mutating func observe(rows: Int, milliseconds: Double, isTypical: Bool = true) {
        guard rows > 0, milliseconds > 0, milliseconds < .infinity else { return }
        let expected = self.milliseconds(rows: rows)
        let ratio = Swift.min(Swift.max(milliseconds / expected, 1 / Self.outlierRatio), Self.outlierRatio)
        var weights = [Double](repeating: isTypical ? Self.weight * Self.speedShare : 0, count: measured.count)
        for (index, share) in neighbours(of: rows) {
            weights[index] += (Self.weight - weights[index]) * share
        }
        for (index, weight) in weights.enumerated() {
            measured[index].milliseconds *= 1 + weight * (ratio - 1)
        }
        points = Self.levelled(measured)
    }

    private var finalSlope: Double {
        guard let last = points.last else { return 0 }
        guard points.count > 1 else { return last.milliseconds / Double(last.rows) }
        let previous = points[points.count - 2]
        return (last.milliseconds - previous.milliseconds) / Double(last.rows - previous.rows)
    }

    /// The points around a number of rows, and the share of each in its interpolation.
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
        // As it mostly is.
        let falls = points.indices.dropFirst().contains { points[$0 - 1].milliseconds > points[$0].milliseconds }
        guard falls else { return points }
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
