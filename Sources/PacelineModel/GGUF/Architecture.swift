/// What distinguishes one model family from the others in the same transformer; each family is a row of a table.
///
/// Tensor names and metadata keys are those of the GGUF specification and of llama.cpp's converters.
package struct Architecture: Sendable, Equatable {
    /// How rotation pairs the dimensions of a head.
    package enum RopeStyle: Sendable {
        /// (0, 1), (2, 3), …; the converter permuted the weights for it.
        case interleaved
        /// (i, i + half), as in GPT-NeoX.
        case halves
    }

    /// Groups of bias tensors that files of the family may have.
    package struct Biases: OptionSet, Sendable {
        /// Query, key and value projections (`attn_{q,k,v}.bias`, `attn_qkv.bias`).
        package static let queryKeyValue = Biases(rawValue: 1)
        /// Attention's output projection (`attn_output.bias`).
        package static let attentionOutput = Biases(rawValue: 2)
        /// Feed-forward layer (`ffn_{gate,up,down}.bias`).
        package static let feedForward = Biases(rawValue: 4)
        /// Output head (`output.bias`).
        package static let output = Biases(rawValue: 8)

        package let rawValue: Int

        package init(rawValue: Int) { self.rawValue = rawValue }
    }

    /// The tensors of frequency divisors that files of the family may have.
    package enum RopeFactorTensors: Sendable {
        case none
        /// `rope_freqs`; with `longrope` scaling, the same two as `longAndShort`.
        case frequencies
        /// `rope_factors_long` and `rope_factors_short`; a model uses one of them.
        case longAndShort
    }

    /// The activation function of the gate in the feed-forward layer.
    package enum Gate: Sendable {
        case silu
        /// GELU in its tanh form.
        case gelu
    }

    /// Which blocks attend only to the last `attention.sliding_window` tokens.
    package enum Windows: Sendable, Equatable {
        /// None, even if the file states a window: the family's models were not trained with one.
        case none
        /// All blocks, if the file states a window.
        case allBlocks
        /// All blocks but every n-th, if the file states a window.
        case allButEvery(Int)
    }

    /// `general.architecture`, which is also the prefix of the family's metadata keys.
    package let name: String
    package let ropeStyle: RopeStyle
    package var ropeFactors = RopeFactorTensors.none
    /// Biases that every block has.
    package var requiredBiases: Biases = []
    /// Biases that any block may have, whether or not the others do.
    package var optionalBiases: Biases = .queryKeyValue
    /// Whether each query and key head is normalised before rotation (`attn_{q,k}_norm`).
    package var hasQueryKeyNorm = false
    /// Whether one tensor holds queries, keys and values (`attn_qkv`), and another gate and up (`ffn_up`).
    package var hasFusedProjections = false
    /// Whether the outputs of attention and feed-forward are normalised too (`post_attention_norm`, `post_ffw_norm`).
    package var hasOuterNorms = false
    package var gate = Gate.silu
    /// Whether embeddings are multiplied by √width when they enter the first block.
    package var scalesEmbeddings = false
    package var windows = Windows.none
    /// The unscaled rotation base of windowed blocks, if it differs from that of the other blocks.
    package var windowedRopeBase: Float?
    /// The block count of the one model that divides queries by √(width / heads) instead of √(head dimension).
    package var blocksWithWidthScaledQueries: Int?
    /// Whether special tokens absorb the white space after them when text is encoded. The published tokenizers call
    /// this `rstrip`; GGUF files do not state it.
    package var markersTakeWhiteSpace = false

    /// The families that the transformer can compute.
    package static let known: [Architecture] = [
        // Mistral's files also say "llama", and the older ones state a window.
        llama(named: "llama"),
        llama(named: "mistral3"),
        Architecture(
            name: "qwen2",
            ropeStyle: .halves,
            requiredBiases: .queryKeyValue,
            optionalBiases: .output
        ),
        Architecture(name: "qwen3", ropeStyle: .halves, hasQueryKeyNorm: true),
        Architecture(
            name: "phi3",
            ropeStyle: .halves,
            ropeFactors: .longAndShort,
            hasFusedProjections: true,
            windows: .allBlocks,
            markersTakeWhiteSpace: true
        ),
        Architecture(
            name: "gemma3",
            ropeStyle: .halves,
            hasQueryKeyNorm: true,
            hasOuterNorms: true,
            gate: .gelu,
            scalesEmbeddings: true,
            windows: .allButEvery(6),
            windowedRopeBase: 10_000,
            blocksWithWidthScaledQueries: 62
        ),
    ]

    private static func llama(named name: String) -> Architecture {
        Architecture(
            name: name,
            ropeStyle: .interleaved,
            ropeFactors: .frequencies,
            optionalBiases: [.queryKeyValue, .attentionOutput, .feedForward],
            windows: .allBlocks
        )
    }

    /// The family called `name`; nil if it is unknown.
    package static func named(_ name: String) -> Architecture? {
        known.first { $0.name == name }
    }
}
