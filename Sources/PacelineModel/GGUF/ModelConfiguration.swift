import PacelineTensor

/// A model's shape and constants, read from its GGUF file and checked so that the transformer can rely on them.
package struct ModelConfiguration: Sendable, Equatable {
    package let architecture: Architecture
    /// `general.name`, for display.
    package let name: String?
    /// Transformer blocks.
    package let blockCount: Int
    /// Width of the residual stream.
    package let embeddingLength: Int
    /// Width of the gated feed-forward layer.
    package let feedForwardLength: Int
    /// Query heads; a multiple of `keyValueHeadCount`.
    package let headCount: Int
    package let keyValueHeadCount: Int
    /// Width of a query, key or value head; even.
    package let headDimension: Int
    package let rope: RopeConfiguration
    /// The rotation of blocks with a window; nil if it is the same as `rope`.
    package let windowedRope: RopeConfiguration?
    /// For each block, the number of latest tokens that a token attends to, itself included; nil for all.
    package let windows: [Int?]
    /// Products of queries and keys are multiplied by this.
    package let attentionScale: Float
    /// How attention sharpens with the position; nil if it does not.
    package let temperature: AttentionTemperature?
    /// Embeddings are multiplied by this when they enter the first block.
    package let embeddingScale: Float
    /// Added to the mean square in RMS normalisation.
    package let normEpsilon: Float
    /// Number of positions that the model was trained for.
    package let contextLength: Int
    package let vocabularySize: Int

    /// Width of all query heads together.
    package var queryLength: Int { headCount * headDimension }
    /// Width of all key (or value) heads together.
    package var keyValueLength: Int { keyValueHeadCount * headDimension }
    /// Number of query heads that share one key and value head.
    package var queriesPerKey: Int { headCount / keyValueHeadCount }
}

/// Keeps attention sharp over long texts (Llama 4, Ministral 3): multiplies queries by
/// 1 + scale · ln(1 + ⌊position / length⌋).
package struct AttentionTemperature: Sendable, Equatable {
    package let scale: Float
    /// Queries at positions before this one keep their values.
    package let length: Int

    /// The factor for a query at `position`.
    package func factor(position: Int) -> Float {
        1 + scale * ExactMath.log(Float(1 + position / length))
    }
}

/// Rotary position embedding: the angle of pair `i` at position `t` is `t / scale × base^(-2i / dimension) / factor_i`.
package struct RopeConfiguration: Sendable, Equatable {
    package let style: Architecture.RopeStyle
    /// `rope.freq_base`, usually called theta.
    package let base: Float
    /// Rotated dimensions of each head; even, at most the head's width.
    package let dimension: Int
    /// Positions are divided by this (linear scaling); 1 for most models.
    package let scale: Float
    /// The tensor with a divisor for each pair's frequency, used if the file has it.
    package let factors: RopeFactors
    /// Rotated values are multiplied by this (LongRoPE's attention factor, arXiv 2402.13753); 1 for most models.
    package let magnitude: Float
    /// The scaling to a longer context by frequency; nil if the model does not use YaRN.
    package let yarn: YarnScaling?
}

/// The tensor that a model takes its frequency divisors from (Llama 3.1 and later, Phi-3).
package enum RopeFactors: Sendable, Equatable {
    case none
    case frequencies
    /// LongRoPE's divisors for contexts longer than the original training context.
    case long
    /// LongRoPE's divisors for contexts up to the original training context.
    case short

    /// The tensor's name; nil for none.
    package var tensor: String? {
        switch self {
        case .none: nil
        case .frequencies: "rope_freqs.weight"
        case .long: "rope_factors_long.weight"
        case .short: "rope_factors_short.weight"
        }
    }

    /// The other set of LongRoPE, which files also have but the model does not use.
    package var unused: RopeFactors {
        switch self {
        case .none, .frequencies: .none
        case .long: .short
        case .short: .long
        }
    }
}
