/// What must be known of all captured texts before a training begins. One pass over the file.
package struct CaptureSurvey: Equatable, Sendable {
    /// How often the target said each token, by token.
    package private(set) var frequencies: [Int]
    /// All tokens that occur, in ascending order.
    package private(set) var tokens: [Int] = []
    /// The standard deviation of features around 0, the unit of noise and feature loss.
    package private(set) var featureScale = 1.0

    /// - Parameters:
    ///   - vocabularySize: of the target, at least that of the file.
    ///   - progress: called with the share done, 0 … 1.
    /// - Throws: ``CaptureError``, or what the source throws.
    package init(
        _ reader: CaptureReader,
        from source: some CaptureSource,
        vocabularySize: Int,
        progress: (Double) -> Void = { _ in }
    ) throws {
        frequencies = [Int](repeating: 0, count: max(vocabularySize, reader.header.vocabularySize))
        var occurs = [Bool](repeating: false, count: frequencies.count)
        var (squares, count) = (0.0, 0)
        for (index, entry) in reader.entries.enumerated() {
            let sequence = try reader.sequence(entry, from: source)
            for token in sequence.tokens { occurs[token] = true }
            for (top, next) in zip(sequence.top, sequence.tokens.dropFirst()) where !top.isEmpty {
                frequencies[next] += 1
            }
            let values = sequence.features.values
            squares += Double(dot(values, values, values.count))
            count += values.count
            progress(Double(index + 1) / Double(reader.entries.count))
        }
        tokens = occurs.indices.filter { occurs[$0] }
        let mean = squares / Double(max(1, count))
        if mean.isFinite, mean > 0 { featureScale = mean.squareRoot() }
    }

    /// The share of the target's tokens that a draft vocabulary has.
    package func coverage(of vocabulary: DraftVocabulary) -> Double {
        let known = vocabulary.targetTokens.reduce(0) { $0 + frequencies[$1] }
        return Double(known) / Double(max(1, frequencies.reduce(0, +)))
    }
}
