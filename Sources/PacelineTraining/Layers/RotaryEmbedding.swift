import Glibc

/// Rotary position embedding: pairs of a head's values turn by an angle that grows with the position.
///
/// (RoFormer: arXiv 2104.09864)
package struct RotaryEmbedding: Equatable, Sendable {
    /// Which values form a pair.
    package enum Pairing: Equatable, Sendable {
        /// 2i and 2i + 1 (llama's files).
        case neighbours
        /// i and i + dimensions / 2 (Qwen).
        case halves
    }

    /// How many of a head's values turn; the rest stay. Even.
    package let dimensions: Int
    package let pairing: Pairing
    package let theta: Double
    /// Divisors of the frequencies, dimensions / 2 of them, if there are any.
    package let frequencyDivisors: [Double]?

    package init(dimensions: Int, pairing: Pairing, theta: Double, frequencyDivisors: [Double]? = nil) {
        precondition(dimensions.isMultiple(of: 2) && frequencyDivisors.map { $0.count == dimensions / 2 } != false)
        (self.dimensions, self.pairing, self.theta) = (dimensions, pairing, theta)
        self.frequencyDivisors = frequencyDivisors
    }

    /// Cosines and sines of the positions from 0 up to `positions`.
    package func table<Scalar>(positions: Int) -> RotaryTable<Scalar> {
        let half = dimensions / 2
        var cosines = Matrix<Scalar>.unset(rows: positions, columns: half)
        var sines = cosines
        for pair in 0..<half {
            let frequency = pow(theta, -2 * Double(pair) / Double(dimensions)) / (frequencyDivisors?[pair] ?? 1)
            for position in 0..<positions {
                cosines[position, pair] = Scalar(cos(Double(position) * frequency))
                sines[position, pair] = Scalar(sin(Double(position) * frequency))
            }
        }
        return RotaryTable(embedding: self, cosines: cosines, sines: sines)
    }
}

/// The angles of a `RotaryEmbedding` for some positions.
package struct RotaryTable<Scalar: TrainingScalar>: Sendable {
    let embedding: RotaryEmbedding
    /// positions × dimensions / 2.
    let cosines: Matrix<Scalar>
    let sines: Matrix<Scalar>

    /// Turns the heads of each row by its position's angles, or back. A rotation's transpose is its inverse, so that
    /// turning back is also the derivative.
    ///
    /// - Parameters:
    ///   - matrix: rows × heads · headDimension.
    ///   - segments: the rows of each sequence; its first row has position 0.
    package func rotate(
        _ matrix: inout Matrix<Scalar>,
        headDimension: Int,
        segments: [Range<Int>],
        back: Bool = false
    ) {
        let (half, columns) = (embedding.dimensions / 2, matrix.columns)
        let isHalves = embedding.pairing == .halves
        // Of a pair, the first value's index grows by `step` from pair to pair, and the second is `distance` behind it.
        let (step, distance) = isHalves ? (1, half) : (2, 1)
        let sign: Scalar = back ? -1 : 1
        matrix.values.withUnsafeMutableBufferPointer { values in
            for segment in segments {
                for row in segment {
                    let angles = (row - segment.lowerBound) * half
                    for head in stride(from: row * columns, to: (row + 1) * columns, by: headDimension) {
                        for pair in 0..<half {
                            let (cosine, sine) = (cosines.values[angles + pair], sign * sines.values[angles + pair])
                            let first = head + pair * step
                            let (x, y) = (values[first], values[first + distance])
                            values[first] = x * cosine - y * sine
                            values[first + distance] = x * sine + y * cosine
                        }
                    }
                }
            }
        }
    }
}
