import PacelineTraining

/// Heads of a few numbers, and texts for them.
struct TinyHeads {
    static let width = 8
    static let vocabularySize = 13

    var random: RandomNumbers

    init(seed: UInt64) { random = RandomNumbers(seed: seed) }

    /// - Parameter pairing: neighbours with one key for four heads, or halves with a key for two.
    static func layer(_ pairing: RotaryEmbedding.Pairing = .halves, hasAttentionBias: Bool = false)
        -> DecoderLayer.Shape
    {
        DecoderLayer.Shape(
            width: width,
            attention: CausalAttention(heads: 4, keyValueHeads: pairing == .halves ? 2 : 1, headDimension: 4),
            hidden: 10,
            rotary: RotaryEmbedding(dimensions: 4, pairing: pairing, theta: 50),
            normEpsilon: 1e-5,
            hasAttentionBias: hasAttentionBias
        )
    }

    /// Embeddings of all tokens and output rows of eight.
    mutating func vocabulary<Scalar: TrainingScalar>() throws -> FrozenVocabulary<Scalar> {
        let vocabulary = try DraftVocabulary(
            targetTokens: [0, 2, 3, 5, 6, 9, 11, 12],
            targetCount: Self.vocabularySize
        )
        return try FrozenVocabulary(
            embedding: EmbeddingTable(rows: matrix(Self.vocabularySize, Self.width)),
            output: OutputSlice(rows: matrix(8, Self.width)),
            vocabulary: vocabulary
        )
    }

    mutating func matrix<Scalar: TrainingScalar>(_ rows: Int, _ columns: Int) -> Matrix<Scalar> {
        Matrix(rows: rows, columns: columns, values: random.numbers(rows * columns).map { Scalar($0) })
    }

    /// A text whose first two tokens are a prompt, with the three most probable tokens at each position of the answer.
    mutating func sequence<Scalar: TrainingScalar>(
        _ count: Int,
        features: Int = width
    ) -> TrainingSequence<Scalar> {
        TrainingSequence(
            tokens: (0..<count).map { _ in random.integer(below: Self.vocabularySize) },
            features: matrix(count, features),
            top: (0..<count).map { position in
                guard position > 1 else { return [] }
                let first = random.integer(below: Self.vocabularySize)
                return [(0, -0.5), (4, -1.5), (9, -2.5)].map { (distance: Int, logProbability: Float) in
                    TopToken(token: (first + distance) % Self.vocabularySize, logProbability: logProbability)
                }
            }
        )
    }

    mutating func eagle<Scalar: TrainingScalar>(
        weights: EagleHead<Scalar>.LossWeights? = nil,
        _ change: (inout EagleHead<Scalar>.Shape) -> Void = { _ in }
    ) throws -> EagleHead<Scalar> {
        var shape = EagleHead<Scalar>.Shape(layer: Self.layer())
        change(&shape)
        return try EagleHead(
            shape,
            frozen: vocabulary(),
            weights: weights ?? .init(feature: 0.9, tokens: .init(renormalised: 0.6, cutOff: 0.3), decay: 0.7),
            featureScale: 0.6
        )
    }

    /// The initial parameters, moved so that none is 0 or 1.
    mutating func parameters<Head: TrainableHead>(of head: Head) -> [Head.Scalar] {
        let noise = random.numbers(head.layout.count, size: 0.2)
        return zip(head.initialParameters(seed: 3), noise).map { $0 + Head.Scalar($1) }
    }
}
