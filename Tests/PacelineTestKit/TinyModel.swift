package import PacelineModel

/// A model of two small blocks with random weights, for tests that need a whole model and no download.
///
/// The same description gives the same bytes everywhere. Its distributions are peaked like a trained model's, and a model that
/// differs only in `perturbation` agrees with it most of the time, as a good drafter does.
package struct TinyModel: Sendable {
    package enum Family: String, Sendable {
        case llama, qwen2
    }

    package var family = Family.llama
    /// The type of all matrices; norms and biases are float32.
    package var weights = WeightFormat.q8_0
    package var seed: UInt64 = 1
    /// Standard deviation of what is added to every weight, in units of the weight's own.
    package var perturbation: Float = 0
    package var hasTiedEmbeddings = false
    package var contextLength = 2048
    package var blockCount = 2
    package var embeddingLength = 256
    package var feedForwardLength = 512
    package var headCount = 4
    package var keyValueHeadCount = 2
    package var preTokenizer = "qwen2"

    package init() {}

    /// A drafter for this model: the same but for small differences in every weight.
    ///
    /// With 0.05 about six of seven most likely tokens agree, with 0.1 two of three, with 0.2 every second (float weights).
    package func drafter(perturbation: Float = 0.05) -> TinyModel {
        var drafter = self
        drafter.perturbation = perturbation
        return drafter
    }

    /// The model's file.
    package func serialised() -> [UInt8] {
        let vocabulary = TinyVocabulary.shared
        var writer = GGUFWriter()
        addConfiguration(to: &writer, vocabulary: vocabulary)
        addTokenizer(to: &writer, vocabulary: vocabulary)
        addTensors(to: &writer, vocabulary: vocabulary)
        return writer.serialised()
    }

    /// The model as an opened file that lives in memory.
    package func file(name: String = "tiny.gguf") throws(GGUFError) -> GGUFFile {
        try GGUFFile(bytes: serialised(), name: name)
    }

    /// The model's tokenizer, without the cost of its weights.
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
        writer.add("\(prefix).rope.freq_base", .float32(10000))
        writer.add("\(prefix).vocab_size", .uint32(UInt32(vocabulary.tokens.count)))
    }

    private func addTokenizer(to writer: inout GGUFWriter, vocabulary: TinyVocabulary) {
        writer.add("tokenizer.ggml.model", .string("gpt2"))
        writer.add("tokenizer.ggml.pre", .string(preTokenizer))
        writer.add("tokenizer.ggml.tokens", .strings(vocabulary.tokens))
        writer.add("tokenizer.ggml.token_type", .int32s(vocabulary.types))
        writer.add("tokenizer.ggml.merges", .strings(vocabulary.merges))
        writer.add("tokenizer.ggml.bos_token_id", .uint32(vocabulary.controlTokens[0]))
        writer.add("tokenizer.ggml.eos_token_id", .uint32(vocabulary.controlTokens[2]))
        writer.add("tokenizer.ggml.add_bos_token", .bool(false))
        writer.add("tokenizer.chat_template", .string(Self.chatTemplate))
    }

    private static let chatTemplate = """
        {% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}\
        {% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}
        """

    // MARK: Weights

    private func addTensors(to writer: inout GGUFWriter, vocabulary: TinyVocabulary) {
        let size = vocabulary.tokens.count
        addMatrix("token_embd.weight", rows: size, columns: embeddingLength, deviation: 1, to: &writer)
        for block in 0..<blockCount {
            addBlock("blk.\(block)", to: &writer)
        }
        // Where the embedding table is the output head too, a last norm of mixed signs keeps tokens from predicting themselves.
        let (mean, deviation): (Float, Float) = hasTiedEmbeddings ? (0, 0.4) : (1, 0.1)
        addVector("output_norm.weight", count: embeddingLength, mean: mean, deviation: deviation, to: &writer)
        guard !hasTiedEmbeddings else { return }
        // No weights for the control tokens: a random model would end its texts at random.
        let silent = vocabulary.controlTokens.count
        addMatrix("output.weight", rows: size, columns: embeddingLength, deviation: 0.4, silent: silent, to: &writer)
    }

    private func addBlock(_ prefix: String, to writer: inout GGUFWriter) {
        let head = embeddingLength / headCount
        let keyValue = head * keyValueHeadCount
        let fan = 1 / Float(embeddingLength).squareRoot()
        let matrix = { (name: String, rows: Int, columns: Int, deviation: Float, writer: inout GGUFWriter) in
            addMatrix("\(prefix).\(name).weight", rows: rows, columns: columns, deviation: deviation, to: &writer)
        }
        addVector("\(prefix).attn_norm.weight", count: embeddingLength, mean: 1, deviation: 0.1, to: &writer)
        matrix("attn_q", embeddingLength, embeddingLength, fan, &writer)
        matrix("attn_k", keyValue, embeddingLength, fan, &writer)
        matrix("attn_v", keyValue, embeddingLength, fan, &writer)
        matrix("attn_output", embeddingLength, embeddingLength, 1.5 * fan, &writer)
        if family == .qwen2 {
            addVector("\(prefix).attn_q.bias", count: embeddingLength, mean: 0, deviation: 0.2, to: &writer)
            addVector("\(prefix).attn_k.bias", count: keyValue, mean: 0, deviation: 0.2, to: &writer)
            addVector("\(prefix).attn_v.bias", count: keyValue, mean: 0, deviation: 0.2, to: &writer)
        }
        addVector("\(prefix).ffn_norm.weight", count: embeddingLength, mean: 1, deviation: 0.1, to: &writer)
        matrix("ffn_gate", feedForwardLength, embeddingLength, fan, &writer)
        matrix("ffn_up", feedForwardLength, embeddingLength, fan, &writer)
        let wide = 1 / Float(feedForwardLength).squareRoot()
        matrix("ffn_down", embeddingLength, feedForwardLength, 0.75 * wide, &writer)
    }

    private func addMatrix(
        _ name: String,
        rows: Int,
        columns: Int,
        deviation: Float,
        silent: Int = 0,
        to writer: inout GGUFWriter
    ) {
        var values = random(name, count: (rows - silent) * columns, mean: 0, deviation: deviation)
        values += Array(repeating: 0, count: silent * columns)
        let dimensions = [UInt64(columns), UInt64(rows)]
        writer.addTensor(name, dimensions: dimensions, type: weights.rawValue, bytes: weights.encode(values))
    }

    private func addVector(
        _ name: String,
        count: Int,
        mean: Float,
        deviation: Float,
        to writer: inout GGUFWriter
    ) {
        let bytes = WeightFormat.f32.encode(random(name, count: count, mean: mean, deviation: deviation))
        writer.addTensor(name, dimensions: [UInt64(count)], type: WeightFormat.f32.rawValue, bytes: bytes)
    }

    private func random(_ name: String, count: Int, mean: Float, deviation: Float) -> [Float] {
        var generator = SeededGenerator(seed: seed, name: name)
        var values = (0..<count).map { _ in mean + deviation * generator.unit() }
        guard perturbation != 0 else { return values }
        var noise = SeededGenerator(seed: ~seed, name: name)
        for index in values.indices { values[index] += perturbation * deviation * noise.unit() }
        return values
    }
}
