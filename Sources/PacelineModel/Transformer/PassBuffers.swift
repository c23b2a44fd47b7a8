import PacelineTensor

/// The activations of a pass of up to ``rows`` rows, reused by later passes.
struct PassBuffers {
    let rows: Int
    let hidden: FloatMatrix  // (rows, embedding)
    let normed: FloatMatrix  // (rows, embedding)
    let update: FloatMatrix  // (rows, embedding)
    let queries: FloatMatrix  // (rows, heads · head dimension)
    let keys: FloatMatrix  // (rows, KV heads · head dimension)
    let values: FloatMatrix  // (rows, KV heads · head dimension)
    let attended: FloatMatrix  // (rows, heads · head dimension)
    let gate: FloatMatrix  // (rows, feed-forward)
    let up: FloatMatrix  // (rows, feed-forward)
    let quantised: QuantisedActivations  // (rows, embedding or heads · head dimension)
    let quantisedWide: QuantisedActivations  // (rows, feed-forward)
    /// By row: the factor of its queries; empty if all are 1.
    var queryFactors: [Float] = []
    let angles: RotaryAngles
    /// The angles of blocks with a window; nil if they are the same as `angles`.
    let windowedAngles: RotaryAngles?

    init(configuration: ModelConfiguration, rotaryFactors: [Float]?, rows: Int) {
        self.rows = rows
        let embedding = configuration.embeddingLength
        let attention = configuration.queryLength
        let keyValue = configuration.keyValueLength
        hidden = FloatMatrix(rows: rows, columns: embedding)
        normed = FloatMatrix(rows: rows, columns: embedding)
        update = FloatMatrix(rows: rows, columns: embedding)
        queries = FloatMatrix(rows: rows, columns: attention)
        keys = FloatMatrix(rows: rows, columns: keyValue)
        values = FloatMatrix(rows: rows, columns: keyValue)
        attended = FloatMatrix(rows: rows, columns: attention)
        gate = FloatMatrix(rows: rows, columns: configuration.feedForwardLength)
        up = FloatMatrix(rows: rows, columns: configuration.feedForwardLength)
        quantised = QuantisedActivations(rows: rows, columns: max(embedding, attention))
        quantisedWide = QuantisedActivations(rows: rows, columns: configuration.feedForwardLength)
        angles = configuration.rope.angles(rows: rows, factors: rotaryFactors)
        windowedAngles = configuration.windowedRope?.angles(rows: rows, factors: nil)
    }

    /// Bytes of memory for a pass of `rows` rows, without the angles.
    static func bytes(configuration: ModelConfiguration, rows: Int) -> Int {
        let embedding = configuration.embeddingLength
        let attention = configuration.queryLength
        let keyValue = configuration.keyValueLength
        let wide = configuration.feedForwardLength
        let widths = [embedding, embedding, embedding, attention, attention, keyValue, keyValue, wide, wide]
        return widths.reduce(0) { $0 + FloatMatrix.bytes(rows: rows, columns: $1) }
            + AttentionBatch.bytes(shape: configuration.cacheShape(.f16), heads: configuration.headCount, rows: rows)
            + QuantisedActivations.bytes(rows: rows, columns: max(embedding, attention))
            + QuantisedActivations.bytes(rows: rows, columns: wide)
    }

    /// Sets the angles of `row` for `position`.
    func setAngles(row: Int, position: Int) {
        angles.set(row: row, position: position)
        windowedAngles?.set(row: row, position: position)
    }
}

extension RopeConfiguration {
    fileprivate func angles(rows: Int, factors: [Float]?) -> RotaryAngles {
        RotaryAngles(
            rows: rows,
            dimensions: dimension,
            theta: Double(base),
            factors: factors,
            magnitude: magnitude,
            pairsHalves: style == .halves
        )
    }
}
