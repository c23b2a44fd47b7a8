import FoundationEssentials
import Glibc
import PacelineTraining

/// What a published head's `config.json` says, as far as it matters. Names are the file's.
struct PublishedConfiguration: Decodable, Equatable {
    struct RopeScaling: Decodable, Equatable {
        var ropeType: String?
        var type: String?
        var factor: Double?
        var lowFreqFactor: Double?
        var highFreqFactor: Double?
        var originalMaxPositionEmbeddings: Double?
        var ropeTheta: Double?
    }

    struct EagleConfiguration: Decodable, Equatable {
        var eagleAuxHiddenStateLayerIds: [Int]?
        var normBeforeFc: Bool?
        var normBeforeResidual: Bool?
    }

    /// The layer of speculators' files; others have its keys at the top.
    struct Layer: Decodable, Equatable {
        var hiddenSize: Int?
        var intermediateSize: Int?
        var numAttentionHeads: Int?
        var numKeyValueHeads: Int?
        var headDim: Int?
        var rmsNormEps: Double?
        var ropeTheta: Double?
        var ropeScaling: RopeScaling?
        var ropeParameters: RopeScaling?
        var vocabSize: Int?
        var hiddenAct: String?
    }

    private struct Top: Decodable {
        var architectures: [String]?
        var draftVocabSize: Int?
        var targetHiddenSize: Int?
        var numHiddenLayers: Int?
        var fcNorm: Bool?
        var normOutput: Bool?
        var normBeforeFc: Bool?
        var normBeforeResidual: Bool?
        var eagleAuxHiddenStateLayerIds: [Int]?
        var eagleConfig: EagleConfiguration?
        var transformerLayerConfig: Layer?
    }

    let architectures: [String]
    let layer: Layer
    let draftVocabularySize: Int?
    let targetWidth: Int?
    let layerCount: Int?
    let normsTaps: Bool?
    let feedsNormed: Bool
    let normsFusion: Bool
    let normsResidual: Bool
    /// Layers whose inputs are read.
    let inputLayers: [Int]?
    /// Layers whose outputs are read: what SpecForge and SGLang write.
    let outputLayers: [Int]?

    init(from decoder: any Decoder) throws {
        let top = try Top(from: decoder)
        (architectures, draftVocabularySize) = (top.architectures ?? [], top.draftVocabSize)
        layer = try top.transformerLayerConfig ?? Layer(from: decoder)
        (targetWidth, normsTaps) = (top.targetHiddenSize, top.fcNorm)
        layerCount = top.transformerLayerConfig == nil ? top.numHiddenLayers : nil
        feedsNormed = top.normOutput ?? false
        normsFusion = top.normBeforeFc ?? top.eagleConfig?.normBeforeFc ?? false
        normsResidual = top.normBeforeResidual ?? top.eagleConfig?.normBeforeResidual ?? false
        inputLayers = top.eagleAuxHiddenStateLayerIds
        outputLayers = top.eagleConfig?.eagleAuxHiddenStateLayerIds
    }

    /// - Parameter bytes: the whole file.
    init(_ bytes: Data) throws(PublishedHeadError.Reason) {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        do {
            self = try decoder.decode(Self.self, from: bytes)
        } catch DecodingError.typeMismatch(_, let context) {
            let path = context.codingPath.map(\.stringValue).joined(separator: ".")
            throw .configuration("\(path.isEmpty ? "the top" : path) is of another kind")
        } catch {
            throw .configuration("it is not valid JSON")
        }
    }

    /// Reads the `config.json` beside a head's file.
    init(beside path: String) throws(PublishedHeadError.Reason) {
        let folder = path.lastIndex(of: "/").map { path[...$0] } ?? ""
        let place = "\(folder)config.json"
        guard let file = try? MappedFile(path: place) else { throw .missingConfiguration(place) }
        guard file.count <= SafetensorsFile.headerLimit else { throw .configuration("it has \(file.count) bytes") }
        try self.init(file.withBytes { Data($0) })
    }
}

extension PublishedConfiguration {
    /// The taps of an EAGLE-3 head.
    ///
    /// A list of layers may mean their inputs or their outputs. That of the layers which EAGLE-3's authors chose is
    /// known by its numbers; for others it depends on who wrote the file.
    ///
    /// - Parameter layers: of the target.
    func tapLayers(layers: Int) -> [Int] {
        let usual = [2, layers / 2, layers - 3]
        guard let listed = inputLayers ?? outputLayers else { return usual }
        if listed == usual || listed.map({ $0 + 1 }) == usual { return usual }
        return inputLayers == nil ? listed.map { $0 < Int.max ? $0 + 1 : $0 } : listed
    }

    /// - Parameters:
    ///   - width: of the target.
    ///   - hasBias: whether there are biases for queries, keys and values.
    func decoderLayer(width: Int, hasBias: Bool) throws(PublishedHeadError.Reason) -> DecoderLayer.Shape {
        let own = try count(layer.hiddenSize, "hidden_size", 1...1 << 16)
        guard own == width else { throw .otherTarget(what: "width", found: "\(own)", expected: "\(width)") }
        guard ["silu", "swish"].contains(layer.hiddenAct ?? "silu") else {
            throw .wrongValue(key: "hidden_act", found: layer.hiddenAct ?? "", expected: "silu")
        }
        let heads = try count(layer.numAttentionHeads, "num_attention_heads", 1...1024)
        let keyHeads = try count(layer.numKeyValueHeads ?? heads, "num_key_value_heads", 1...heads)
        guard heads.isMultiple(of: keyHeads) else {
            throw .wrongValue(key: "num_key_value_heads", found: "\(keyHeads)", expected: "a divisor of \(heads)")
        }
        let size = try count(layer.headDim ?? width / heads, "head_dim", 2...1024)
        guard size.isMultiple(of: 2) else {
            throw .wrongValue(key: "head_dim", found: "\(size)", expected: "an even number")
        }
        return DecoderLayer.Shape(
            width: width,
            attention: CausalAttention(heads: heads, keyValueHeads: keyHeads, headDimension: size),
            hidden: try count(layer.intermediateSize, "intermediate_size", 1...1 << 20),
            rotary: try rotary(size),
            normEpsilon: try positive(layer.rmsNormEps ?? 1e-6, "rms_norm_eps"),
            hasAttentionBias: hasBias
        )
    }

    private func rotary(_ dimensions: Int) throws(PublishedHeadError.Reason) -> RotaryEmbedding {
        let scaling = layer.ropeScaling ?? layer.ropeParameters
        let theta = try positive(layer.ropeTheta ?? scaling?.ropeTheta ?? 10_000, "rope_theta")
        return RotaryEmbedding(
            dimensions: dimensions,
            pairing: .halves,
            theta: theta,
            frequencyDivisors: try scaling.flatMap { scaling throws(PublishedHeadError.Reason) in
                try divisors(scaling, theta: theta, dimensions: dimensions)
            }
        )
    }

    private func divisors(
        _ scaling: RopeScaling,
        theta: Double,
        dimensions: Int
    ) throws(PublishedHeadError.Reason) -> [Double]? {
        switch scaling.ropeType ?? scaling.type ?? "default" {
        case "default": return nil
        case "linear":
            let factor = try positive(scaling.factor ?? .nan, "rope_scaling.factor")
            return [Double](repeating: factor, count: dimensions / 2)
        case "llama3":
            return try smoothDivisors(scaling, theta: theta, dimensions: dimensions)
        case let other:
            throw .wrongValue(
                key: "rope_scaling.rope_type",
                found: "\"\(other)\"",
                expected: "default, linear or llama3"
            )
        }
    }

    /// Llama 3.1's: slow rotations are divided by the factor, fast ones are not, and those between in part.
    private func smoothDivisors(
        _ scaling: RopeScaling,
        theta: Double,
        dimensions: Int
    ) throws(PublishedHeadError.Reason) -> [Double] {
        let factor = try positive(scaling.factor ?? .nan, "rope_scaling.factor")
        let low = try positive(scaling.lowFreqFactor ?? 1, "rope_scaling.low_freq_factor")
        let high = try positive(scaling.highFreqFactor ?? 4, "rope_scaling.high_freq_factor")
        let length = try positive(
            scaling.originalMaxPositionEmbeddings ?? 8192,
            "rope_scaling.original_max_position_embeddings"
        )
        guard high > low else {
            throw .wrongValue(key: "rope_scaling.high_freq_factor", found: "\(high)", expected: "more than \(low)")
        }
        return (0..<dimensions / 2).map { pair in
            let turns = length * pow(theta, -2 * Double(pair) / Double(dimensions)) / (2 * .pi)
            if turns < low { return factor }
            guard turns <= high else { return 1 }
            let smooth = (turns - low) / (high - low)
            return 1 / ((1 - smooth) / factor + smooth)
        }
    }

    func count(_ value: Int?, _ key: String, _ range: ClosedRange<Int>) throws(PublishedHeadError.Reason) -> Int {
        guard let value, range.contains(value) else {
            throw .wrongValue(
                key: key,
                found: value.map(String.init) ?? "nothing",
                expected: "an integer from \(range.lowerBound) to \(range.upperBound)"
            )
        }
        return value
    }

    private func positive(_ value: Double, _ key: String) throws(PublishedHeadError.Reason) -> Double {
        guard value.isFinite, value > 0 else {
            throw .wrongValue(
                key: key,
                found: value.isNaN ? "nothing" : "\(value)",
                expected: "a finite number above 0"
            )
        }
        return value
    }
}
