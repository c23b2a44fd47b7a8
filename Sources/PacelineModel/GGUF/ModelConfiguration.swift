import PacelineTensor

/// A model's shape and constants as its GGUF file states them, checked so that the transformer can rely on them.
package struct ModelConfiguration: Sendable, Equatable {
    package let architecture: Architecture
    /// `general.name`, for people.
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
    /// The rotation of blocks with a window, where it is another.
    package let windowedRope: RopeConfiguration?
    /// For each block, to how many of the last tokens (its own included) a token attends; nil for all.
    package let windows: [Int?]
    /// What products of queries and keys are multiplied by.
    package let attentionScale: Float
    /// How attention sharpens with the position, if it does.
    package let temperature: AttentionTemperature?
    /// What embeddings are multiplied by as they enter the first block.
    package let embeddingScale: Float
    /// Added to the mean square in RMS normalisation.
    package let normEpsilon: Float
    /// Positions the model was trained for.
    package let contextLength: Int
    package let vocabularySize: Int

    /// Width of all query heads together.
    package var queryLength: Int { headCount * headDimension }
    /// Width of all key (or value) heads together.
    package var keyValueLength: Int { keyValueHeadCount * headDimension }
    /// Query heads that share one key and value head.
    package var queriesPerKey: Int { headCount / keyValueHeadCount }
}

/// Queries far into a text are multiplied by 1 + scale · ln(1 + ⌊position / length⌋), so that attention stays as sharp
/// among more tokens (Llama 4, Ministral 3).
package struct AttentionTemperature: Sendable, Equatable {
    package let scale: Float
    /// Positions before this one are left alone.
    package let length: Int

    /// The factor of a query at `position`.
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
    /// Which tensor has a divisor for each pair's frequency, if the file has it.
    package let factors: RopeFactors
    /// Rotated values are multiplied by this (LongRoPE's attention factor, arXiv 2402.13753); 1 for most models.
    package let magnitude: Float
    /// The scaling to a longer context by frequency, if the model has one.
    package let yarn: YarnScaling?
}

/// The tensor with a divisor for each pair's frequency that a model's numbers call for (Llama 3.1 and later, Phi-3).
package enum RopeFactors: Sendable, Equatable {
    case none
    case frequencies
    /// LongRoPE's divisors for contexts beyond the one the model was first trained for.
    case long
    /// LongRoPE's divisors up to that context.
    case short

    /// The name of the tensor; nil for none.
    package var tensor: String? {
        switch self {
        case .none: nil
        case .frequencies: "rope_freqs.weight"
        case .long: "rope_factors_long.weight"
        case .short: "rope_factors_short.weight"
        }
    }

    /// The other of LongRoPE's two, which files have beside the one that is used.
    package var unused: RopeFactors {
        switch self {
        case .none, .frequencies: .none
        case .long: .short
        case .short: .long
        }
    }
}
