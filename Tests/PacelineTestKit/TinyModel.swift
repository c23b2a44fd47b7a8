package import PacelineModel

/// A model of two small blocks with random weights, for tests that need a whole model without a download.
///
/// Equal descriptions give equal bytes everywhere. The model's distributions are as peaked as a trained model's. A
/// model that differs only in `perturbation` agrees with it most of the time, like a good drafter.
package struct TinyModel: Sendable {
    package enum Family: String, Sendable {
        case llama, mistral3, qwen2, qwen3, phi3, gemma3
    }

    package var family = Family.llama
    /// The type of all matrices; norms and biases are float32.
    package var weights = WeightFormat.q8_0
    /// If set, all matrices are random blocks of this type instead.
    package var blocks: BlockFormat?
    package var seed: UInt64 = 1
    /// Standard deviation of the noise added to every weight, relative to that of the weights.
    package var perturbation: Float = 0
    /// Overrides for single weights of float tensors, by tensor and index.
    package var spoilt: [String: [Int: Float]] = [:]
    package var hasTiedEmbeddings = false
    package var contextLength = 2048
    package var blockCount = 2
    package var embeddingLength = 256
    package var feedForwardLength = 512
    package var headCount = 4
    package var keyValueHeadCount = 2
    /// The width of a head, if it is not `embeddingLength / headCount`.
    package var headDimension: Int?
    /// `attention.sliding_window`, if the file states one.
    package var slidingWindow: Int?
    package var rope = Rope()
    /// `attention.temperature_scale` and `attention.temperature_length`.
    package var temperature: (scale: Float, length: Int)?
    package var preTokenizer = "qwen2"
    /// Additional vectors of random numbers: their lengths by name.
    package var extraVectors: [String: Int] = [:]
    /// Additional metadata; the keys lack the family's prefix.
    package var extraMetadata: [String: GGUFWriter.Value] = [:]
    /// `tokenizer.ggml.token_type` of the markers; control, unless a test imitates a wrong converter.
    package var controlTokenType: Int32 = 3
    package var padding = Padding()
    /// Token types that differ from the vocabulary's, by id.
    package var tokenTypes: [Int: Int32] = [:]
    /// Token texts that differ from the vocabulary's, by id.
    package var tokenTexts: [Int: String] = [:]
    package var chatTemplate = Self.chatML

    /// Rows after the last token, as converters add them. Their weights make them far more likely than any token, so
    /// that code that can propose or sample them will.
    package struct Padding: Sendable {
        package enum Spelling: CaseIterable, Sendable {
            case ownNumber, fromZero, fromOne, dummies
        }

        package var rows = 0
        package var spelling = Spelling.ownNumber
        /// `tokenizer.ggml.token_type`; 5 is unused.
        package var type: Int32 = 5

        package init() {}

        /// The texts of the rows that follow `count` tokens.
        package func texts(after count: Int) -> [String] {
            (0..<rows).map { index in
                switch spelling {
                case .ownNumber: "[PAD\(count + index)]"
                case .fromZero: "[PAD\(index)]"
                case .fromOne: "[PAD\(index + 1)]"
                case .dummies: "<dummy" + String(String(100_001 + index).dropFirst()) + ">"
                }
            }
        }
    }

    /// The metadata and tensors of rotary embeddings.
    package struct Rope: Sendable {
        package var base: Float = 10_000
        /// Number of rotated dimensions of a head; nil for all.
        package var dimensions: Int?
        /// `rope.scaling.factor`, for linear scaling unless `yarnFastTurns` is set.
        package var linearFactor: Float?
        /// `rope.scaling.original_context_length`.
        package var originalContextLength: Int?
        /// `rope.scaling.attn_factor`.
        package var magnitude: Float?
        /// If set, the factor is for YaRN: pairs with this many turns within `originalContextLength` keep their
        /// frequency.
        package var yarnFastTurns: Float?
        /// Divisors of the frequencies, by tensor name.
        package var factors: [String: [Float]] = [:]
    }

    package init() {}

    /// A drafter for this model, with small differences in every weight.
    ///
    /// With float weights, the most likely tokens agree about six times out of seven at a perturbation of 0.05. They
    /// agree two times out of three at 0.1, and every second time at 0.2.
    package func drafter(perturbation: Float = 0.05) -> TinyModel {
        var drafter = self
        drafter.perturbation = perturbation
        return drafter
    }

    /// The same model with NaN in the embedding of `token`, so that nothing can be sampled after that token.
    package func withoutLaw(behind token: Int) -> TinyModel {
        var model = self
        model.weights = .f32
        model.spoilt["token_embd.weight"] = [token * embeddingLength: .nan]
        return model
    }

    /// The model's file.
    package func serialised() -> [UInt8] { writer().serialised() }

    /// A writer of the model's file, for tests that change the file.
    package func writer() -> GGUFWriter {
        var writer = header()
        for tensor in tensors() { writer.add(tensor) }
        return writer
    }

    /// The model's metadata, with no tensors yet.
    package func header(withTokenizer: Bool = true) -> GGUFWriter {
        var writer = GGUFWriter()
        addConfiguration(to: &writer, vocabulary: .shared)
        if withTokenizer { addTokenizer(to: &writer, vocabulary: .shared) }
        return writer
    }

    /// The model as an open file in memory.
    package func file(name: String = "tiny.gguf") throws(GGUFError) -> GGUFFile {
        try GGUFFile(bytes: serialised(), name: name)
    }

    /// The model's tokenizer, made without its weights.
    package func tokenizer(name: String = "tiny.gguf") throws -> Tokenizer {
        var writer = GGUFWriter()
        addTokenizer(to: &writer, vocabulary: .shared)
        return try Tokenizer(GGUFFile(bytes: writer.serialised(), name: name))
    }

    // MARK: Metadata

    private func addConfiguration(to writer: inout GGUFWriter, vocabulary: TinyVocabulary) {
        let prefix = family.rawValue
        writer.add("general.architecture", .string(prefix))
        writer.add("general.name", .string("Tiny \(prefix) \(seed)"))
        writer.add("\(prefix).block_count", .uint32(UInt32(blockCount)))
        writer.add("\(prefix).context_length", .uint32(UInt32(contextLength)))
        writer.add("\(prefix).embedding_length", .uint32(UInt32(embeddingLength)))
        writer.add("\(prefix).feed_forward_length", .uint32(UInt32(feedForwardLength)))
        writer.add("\(prefix).attention.head_count", .uint32(UInt32(headCount)))
        writer.add("\(prefix).attention.head_count_kv", .uint32(UInt32(keyValueHeadCount)))
        writer.add("\(prefix).attention.layer_norm_rms_epsilon", .float32(1e-5))
        addAttention(to: &writer)
        writer.add("\(prefix).vocab_size", .uint32(UInt32(vocabulary.tokens.count + padding.rows)))
        for (key, value) in extraMetadata.sorted(by: { $0.key < $1.key }) { writer.add("\(prefix).\(key)", value) }
    }

    private func addAttention(to writer: inout GGUFWriter) {
        let prefix = family.rawValue
        let add = { (key: String, number: Int?, writer: inout GGUFWriter) in
            if let number { writer.add("\(prefix).\(key)", .uint32(UInt32(number))) }
        }
        add("attention.key_length", headDimension, &writer)
        add("attention.value_length", headDimension, &writer)
        add("attention.sliding_window", slidingWindow, &writer)
        writer.add("\(prefix).rope.freq_base", .float32(rope.base))
        add("rope.dimension_count", rope.dimensions, &writer)
        add("rope.scaling.original_context_length", rope.originalContextLength, &writer)
        if let magnitude = rope.magnitude { writer.add("\(prefix).rope.scaling.attn_factor", .float32(magnitude)) }
        if let temperature {
            writer.add("\(prefix).attention.temperature_scale", .float32(temperature.scale))
            writer.add("\(prefix).attention.temperature_length", .uint32(UInt32(temperature.length)))
        }
        guard let factor = rope.linearFactor else { return }
        writer.add("\(prefix).rope.scaling.type", .string(rope.yarnFastTurns == nil ? "linear" : "yarn"))
        if let turns = rope.yarnFastTurns { writer.add("\(prefix).rope.scaling.yarn_beta_fast", .float32(turns)) }
        writer.add("\(prefix).rope.scaling.factor", .float32(factor))
    }

    private func addTokenizer(to writer: inout GGUFWriter, vocabulary: TinyVocabulary) {
        writer.add("tokenizer.ggml.model", .string("gpt2"))
        writer.add("tokenizer.ggml.pre", .string(preTokenizer))
        let texts = vocabulary.tokens.enumerated().map { tokenTexts[$0.offset] ?? $0.element }
        let types = vocabulary.types.enumerated().map {
            tokenTypes[$0.offset] ?? ($0.element == 3 ? controlTokenType : $0.element)
        }
        writer.add("tokenizer.ggml.tokens", .strings(texts + padding.texts(after: texts.count)))
        writer.add(
            "tokenizer.ggml.token_type",
            .int32s(types + Array(repeating: padding.type, count: padding.rows))
        )
        writer.add("tokenizer.ggml.merges", .strings(vocabulary.merges))
        writer.add("tokenizer.ggml.bos_token_id", .uint32(vocabulary.controlTokens[0]))
        writer.add("tokenizer.ggml.eos_token_id", .uint32(vocabulary.controlTokens[2]))
        writer.add("tokenizer.ggml.add_bos_token", .bool(false))
        writer.add("tokenizer.chat_template", .string(chatTemplate))
    }

    /// ChatML.
    package static let chatML = """
        {% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + \
        '\n'}}\
        {% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}
        """
}
