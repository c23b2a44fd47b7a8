import PacelineTensor

/// The activations of a pass of up to ``rows`` rows; reused from pass to pass.
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
    let angles: RotaryAngles

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
        angles = RotaryAngles(
            rows: rows,
            dimensions: configuration.rope.dimension,
            theta: Double(configuration.rope.base),
            factors: rotaryFactors,
            pairsHalves: configuration.rope.style == .halves
        )
    }
}
