import CPacelineKernels

/// Rotation angles of the rows of a pass, for rotary position embeddings (RoFormer, arXiv 2104.09864).
package final class RotaryAngles {
    /// How many of a head's values are rotated.
    package let dimensions: Int
    /// Whether value i is paired with i + dimensions/2 (Qwen) instead of with its neighbour (llama).
    package let pairsHalves: Bool
    private let theta: Double
    private let factors: [Float]?
    private let magnitude: Float
    let cosines: FloatMatrix
    let sines: FloatMatrix

    /// - Parameters:
    ///   - factors: divisors of the frequencies (dimensions / 2 of them), if there are any.
    ///   - magnitude: the factor of rotated values (the attention factor of scaled embeddings).
    package init(
        rows: Int,
        dimensions: Int,
        theta: Double,
        factors: [Float]?,
        magnitude: Float = 1,
        pairsHalves: Bool
    ) {
        precondition(factors == nil || factors?.count == dimensions / 2)
        self.dimensions = dimensions
        self.pairsHalves = pairsHalves
        self.theta = theta
        self.factors = factors
        self.magnitude = magnitude
        cosines = FloatMatrix(rows: rows, columns: dimensions / 2)
        sines = FloatMatrix(rows: rows, columns: dimensions / 2)
    }

    /// Sets the angles of `row` to those of `position`.
    package func set(row: Int, position: Int) {
        pl_rope_angles(
            Int64(position),
            theta,
            factors,
            Int64(dimensions),
            cosines.pointer(row),
            sines.pointer(row)
        )
        guard magnitude != 1 else { return }
        for angles in [cosines, sines] { pl_scale(angles.pointer(row), magnitude, Int64(angles.columns)) }
    }
}
