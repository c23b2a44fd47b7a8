import PacelineModel
import PacelineSpeculation
import PacelineTensor
import PacelineTraining

/// A head with random weights for a target of 40 tokens that is 32 wide, and what it takes from the target.
struct SmallHead {
    static let width = 32
    static let vocabularySize = 40

    var shape: EagleHead<Float>.Shape
    let parameters: [Float]
    let vocabulary: DraftVocabulary
    let embedding: Matrix<Float>
    let output: Matrix<Float>

    init(seed: UInt64 = 1, _ change: (inout EagleHead<Float>.Shape) -> Void = { _ in }) throws {
        var numbers = SplitMix(seed: seed)
        let layer = DecoderLayer.Shape(
            width: Self.width,
            attention: CausalAttention(heads: 4, keyValueHeads: 2, headDimension: 8),
            hidden: 48,
            rotary: RotaryEmbedding(dimensions: 8, pairing: .halves, theta: 100),
            normEpsilon: Double(1e-5 as Float)
        )
        shape = EagleHead<Float>.Shape(layer: layer)
        change(&shape)
        vocabulary = try DraftVocabulary(
            targetTokens: (0..<Self.vocabularySize).filter { $0 % 3 != 1 },
            targetCount: Self.vocabularySize
        )
        embedding = numbers.matrix(Self.vocabularySize, Self.width)
        output = numbers.matrix(vocabulary.count, Self.width)
        parameters = numbers.values(shape.layout.count, size: 0.4)
    }

    func trainable() throws -> EagleHead<Float> {
        let frozen = try FrozenVocabulary(
            embedding: EmbeddingTable(rows: embedding),
            output: OutputSlice(rows: output),
            vocabulary: vocabulary
        )
        return try EagleHead(shape, frozen: frozen, weights: .init(), featureScale: 1)
    }

    func network(_ precision: HeadPrecision = .float, compute: Compute) throws -> EagleNetwork {
        let target = try TargetVocabulary(embedding: embedding, output: output, tokens: vocabulary, compute: compute)
        return try EagleNetwork(
            shape,
            parameters: parameters,
            vocabulary: target,
            precision: precision,
            compute: compute
        )
    }

    var file: HeadFile {
        HeadFile(network: .eagle(shape), parameters: parameters, vocabulary: vocabulary, target: Self.target)
    }

    static let target = HeadTarget(
        name: "small",
        fingerprint: "0123456789ab",
        tokenizer: "feed",
        width: width,
        vocabularySize: vocabularySize,
        layers: 3,
        taps: [.normedOutput]
    )
}

extension SplitMix {
    /// Numbers around 0.
    mutating func values(_ count: Int, size: Double = 1) -> [Float] {
        (0..<count).map { _ in Float((2 * nextUnit() - 1) * size) }
    }

    mutating func matrix(_ rows: Int, _ columns: Int) -> Matrix<Float> {
        Matrix(rows: rows, columns: columns, values: values(rows * columns))
    }

    /// A text of random tokens with random features, of which the first two are a prompt.
    mutating func sequence(_ count: Int) -> TrainingSequence<Float> {
        TrainingSequence(
            tokens: (0..<count).map { _ in next(below: SmallHead.vocabularySize) },
            features: matrix(count, SmallHead.width),
            top: (0..<count).map { $0 < 1 ? [] : [TopToken(token: $0 % 40, logProbability: -0.5)] }
        )
    }
}
