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

    /// The keys that describe the layer, without the kind's prefix.
    var metadata: [(String, GGUFEncoder.Value)] {
        [
            ("block_count", .count(1)),
            ("feed_forward_length", .count(layer.hidden)),
            ("attention.head_count", .count(layer.attention.heads)),
            ("attention.head_count_kv", .count(layer.attention.keyValueHeads)),
            ("attention.key_length", .count(layer.attention.headDimension)),
            ("attention.layer_norm_rms_epsilon", .float(Float(layer.normEpsilon))),
            ("rope.freq_base", .float(Float(layer.rotary.theta))),
            ("rope.dimension_count", .count(layer.rotary.dimensions)),
            ("rope.halves", .flag(layer.rotary.pairing == .halves)),
        ] + Self.flags.map { ($0.key, .flag(self[keyPath: $0.path])) }
    }
}
