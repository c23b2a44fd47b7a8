import PacelineSpeculation
import PacelineTraining

extension FeatureTap {
    /// The number that stands for it in a head's file: of a layer whose input is read; as many as there are layers for
    /// the last output, and one more for the normed one.
    func number(layers: Int) -> Int {
        switch self {
        case .input(let layer): layer
        case .lastOutput: layers
        case .normedOutput: layers + 1
        }
    }

    init?(number: Int, layers: Int) {
        switch number {
        case 0..<layers: self = .input(layer: number)
        case layers: self = .lastOutput
        case layers + 1: self = .normedOutput
        default: return nil
        }
    }
}

extension EagleHead<Float>.Shape {
    /// Metadata keys of the flags, without the kind's prefix.
    static var flags: [(key: String, path: WritableKeyPath<Self, Bool>)] {
        [
            ("fusion_bias", \.hasFusionBias),
            ("embedding_norm", \.normsEmbedding),
            ("feature_norm", \.normsFeature),
            ("input_norm", \.normsLayerInput),
            ("output_norm", \.normsOutput),
            ("attention.bias", \.layer.hasAttentionBias),
        ]
    }

    /// The keys of a head's shape, without the kind's prefix.
    var metadata: [(String, GGUFEncoder.Value)] {
        layer.metadata + Self.flags.map { ($0.key, .flag(self[keyPath: $0.path])) }
    }
}

extension Eagle3Shape {
    /// Metadata keys of the flags, without the kind's prefix.
    static var flags: [(key: String, path: WritableKeyPath<Self, Bool>)] {
        [
            ("norm_before_residual", \.normsResidual),
            ("norm_output", \.feedsNormed),
            ("attention.bias", \.layer.hasAttentionBias),
        ]
    }

    /// The keys of a head's shape, without the kind's prefix.
    var metadata: [(String, GGUFEncoder.Value)] {
        layer.metadata + Self.flags.map { ($0.key, .flag(self[keyPath: $0.path])) }
            + [("feature_norm", .count(featureNorm.rawValue)), ("own_output", .flag(outputTokens != nil))]
    }
}

extension DecoderLayer.Shape {
    /// The keys that describe the layer, without the kind's prefix.
    fileprivate var metadata: [(String, GGUFEncoder.Value)] {
        [
            ("block_count", .count(1)),
            ("feed_forward_length", .count(hidden)),
            ("attention.head_count", .count(attention.heads)),
            ("attention.head_count_kv", .count(attention.keyValueHeads)),
            ("attention.key_length", .count(attention.headDimension)),
            ("attention.layer_norm_rms_epsilon", .float(Float(normEpsilon))),
            ("rope.freq_base", .float(Float(rotary.theta))),
            ("rope.dimension_count", .count(rotary.dimensions)),
            ("rope.halves", .flag(rotary.pairing == .halves)),
        ]
    }
}
