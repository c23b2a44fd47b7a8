/// What sets one model family apart from another in the same transformer; families are rows of a table.
///
/// Names of tensors and metadata keys are those of the GGUF specification and of the converters that write such files.
package struct Architecture: Sendable, Equatable {
    /// How a head's dimensions are paired for rotation.
    package enum RopeStyle: Sendable {
        /// (0, 1), (2, 3), …: weights that the converter permuted for it.
        case interleaved
        /// (i, i + half): GPT-NeoX's pairing.
        case halves
    }

    /// Biases that a block's tensors may have in files of the family, or the output head.
    package struct Biases: OptionSet, Sendable {
        /// Of the query, key and value projections (`attn_{q,k,v}.bias`, `attn_qkv.bias`).
        package static let queryKeyValue = Biases(rawValue: 1)
        /// Of the projection of what attention found (`attn_output.bias`).
        package static let attentionOutput = Biases(rawValue: 2)
        /// Of the feed-forward layer (`ffn_{gate,up,down}.bias`).
        package static let feedForward = Biases(rawValue: 4)
        /// Of the output head (`output.bias`).
        package static let output = Biases(rawValue: 8)

        package let rawValue: Int

        package init(rawValue: Int) { self.rawValue = rawValue }
    }

    /// The tensors of frequency divisors that files of the family may have.
    package enum RopeFactorTensors: Sendable {
        case none
        /// `rope_freqs`; under `longrope` scaling the two of `longAndShort`.
        case frequencies
        /// `rope_factors_long` and `rope_factors_short`, of which one is used.
        case longAndShort
    }

    /// The function of the gate in the feed-forward layer.
    package enum Gate: Sendable {
        case silu
        /// GELU in its tanh form.
        case gelu
    }

    /// Which blocks attend to no more than the last `attention.sliding_window` tokens.
    package enum Windows: Sendable, Equatable {
        /// None: the family's files may state a window that its models were not trained with.
        case none
        /// All, in files that state a window.
        case allBlocks
        /// All but every n-th, in files that state a window.
        case allButEvery(Int)
    }

    /// `general.architecture`, which also prefixes the family's metadata keys.
    package let name: String
    package let ropeStyle: RopeStyle
    package var ropeFactors = RopeFactorTensors.none
    /// Biases that every block has.
    package var requiredBiases: Biases = []
    /// Biases that any block may have without the others.
    package var optionalBiases: Biases = .queryKeyValue
    /// Whether each query and key head is normalised before rotation (`attn_{q,k}_norm`).
    package var hasQueryKeyNorm = false
    /// Whether the queries, keys and values are one tensor (`attn_qkv`), and gate and up another (`ffn_up`).
    package var hasFusedProjections = false
    /// Whether what attention and feed-forward add is normalised too (`post_attention_norm`, `post_ffw_norm`).
    package var hasOuterNorms = false
    package var gate = Gate.silu
    /// Whether embeddings are multiplied by √width when they enter the first block.
    package var scalesEmbeddings = false
    package var windows = Windows.none
    /// The rotation base of windowed blocks, unscaled, where it is not the file's own.
    package var windowedRopeBase: Float?
    /// The size (in blocks) of a member that divides queries by √(width / heads) instead of √(head dimension).
    package var blocksWithWidthScaledQueries: Int?
    /// Whether special tokens take the white space behind them with them when text is read (`rstrip` of the published
    /// tokenizers' added tokens, which no file states).
    package var markersTakeWhiteSpace = false

    /// The families that the transformer can compute.
    package static let known: [Architecture] = [
        // Mistral's files say llama, and older ones state a window.
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

    /// The family called `name`; nil when it is unknown.
    package static func named(_ name: String) -> Architecture? {
        known.first { $0.name == name }
    }
}
