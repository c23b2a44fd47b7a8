extension ModelConfiguration {
    /// Reads and checks the configuration of a model file.
    ///
    /// Throws when the architecture is unknown (it is named), when a key is missing or of another kind, and when
    /// numbers contradict one another.
    package init(_ file: GGUFFile) throws(GGUFError) {
        let name = try file.string("general.architecture")
        guard let architecture = Architecture.named(name) else {
            throw file.error(.unknownArchitecture(name, supported: Architecture.known.map(\.name)))
        }
        let reader = ConfigurationReader(file: file, prefix: name)
        let heads = try reader.heads()
        self.init(
            architecture: architecture,
            name: try file.stringIfPresent("general.name"),
            blockCount: try reader.count("block_count", limit: 1024),
            embeddingLength: heads.embeddingLength,
            feedForwardLength: try reader.count("feed_forward_length", limit: 1 << 20),
            headCount: heads.count,
            keyValueHeadCount: heads.keyValueCount,
            headDimension: heads.dimension,
            rope: try reader.rope(style: architecture.ropeStyle, headDimension: heads.dimension),
            normEpsilon: try reader.positiveFloat("attention.layer_norm_rms_epsilon"),
            contextLength: try reader.count("context_length", limit: 1 << 30),
            vocabularySize: try reader.vocabularySize(embeddingLength: heads.embeddingLength),
            hasQueryKeyValueBias: architecture.queryKeyValueBias.holds(for: "blk.0.attn_q.bias", in: file),
            hasTiedEmbeddings: file.tensors["output.weight"] == nil
        )
    }
}

extension Architecture.Presence {
    fileprivate func holds(for tensor: String, in file: GGUFFile) -> Bool {
        switch self {
        case .always: true
        case .never: false
        case .ifInFile: file.tensors[tensor] != nil
        }
    }
}

/// Reads the keys that begin with the architecture's name.
private struct ConfigurationReader {
    let file: GGUFFile
    let prefix: String

    /// The attention's shape.
    struct Heads {
        var embeddingLength: Int
        var count: Int
        var keyValueCount: Int
        var dimension: Int
    }

    private func key(_ suffix: String) -> String { "\(prefix).\(suffix)" }

    /// A positive integer up to `limit`, which keeps products of two such numbers far from overflow.
    func count(_ suffix: String, limit: Int) throws(GGUFError) -> Int {
        let value = try file.int(key(suffix))
        return try checked(value, suffix, limit: limit)
    }

    private func countIfPresent(_ suffix: String, limit: Int) throws(GGUFError) -> Int? {
        guard let value = try file.intIfPresent(key(suffix)) else { return nil }
        return try checked(value, suffix, limit: limit)
    }

    private func checked(_ value: Int, _ suffix: String, limit: Int) throws(GGUFError) -> Int {
        guard (1...limit).contains(value) else {
            throw file.error(.outOfRange(key: key(suffix), value: "\(value)", expected: "a number from 1 to \(limit)"))
        }
        return value
    }

    func positiveFloat(_ suffix: String) throws(GGUFError) -> Float {
        try checked(try file.float(key(suffix)), suffix)
    }

    private func checked(_ value: Float, _ suffix: String) throws(GGUFError) -> Float {
        guard value > 0, value.isFinite else {
            throw file.error(.outOfRange(key: key(suffix), value: "\(value)", expected: "a positive number"))
        }
        return value
    }

    func heads() throws(GGUFError) -> Heads {
        let embedding = try count("embedding_length", limit: 1 << 20)
        let heads = try count("attention.head_count", limit: 1 << 14)
        let keyValueHeads = try countIfPresent("attention.head_count_kv", limit: 1 << 14) ?? heads
        guard heads % keyValueHeads == 0 else {
            throw inconsistent("has \(heads) query heads, which is no multiple of its \(keyValueHeads) key heads")
        }
        let dimension = try headDimension(embedding: embedding, heads: heads)
        return Heads(embeddingLength: embedding, count: heads, keyValueCount: keyValueHeads, dimension: dimension)
    }

    private func headDimension(embedding: Int, heads: Int) throws(GGUFError) -> Int {
        let keyLength = try countIfPresent("attention.key_length", limit: 1 << 14)
        guard keyLength != nil || embedding % heads == 0 else {
            throw inconsistent("has an embedding length of \(embedding), which is no multiple of its \(heads) heads")
        }
        let dimension = keyLength ?? embedding / heads
        let valueLength = try countIfPresent("attention.value_length", limit: 1 << 14) ?? dimension
        guard valueLength == dimension else {
            throw inconsistent("has keys of width \(dimension) and values of width \(valueLength), which must be equal")
        }
        guard dimension % 2 == 0 else { throw inconsistent("has heads of the odd width \(dimension)") }
        return dimension
    }

    func rope(style: Architecture.RopeStyle, headDimension: Int) throws(GGUFError) -> RopeConfiguration {
        let dimension = try countIfPresent("rope.dimension_count", limit: 1 << 14) ?? headDimension
        guard dimension <= headDimension, dimension % 2 == 0 else {
            throw inconsistent("rotates \(dimension) dimensions of heads of width \(headDimension)")
        }
        let base = try checked(try file.floatIfPresent(key("rope.freq_base")) ?? 10000, "rope.freq_base")
        return RopeConfiguration(
            style: style,
            base: base,
            dimension: dimension,
            scale: try ropeScale(),
            factorsTensor: file.tensors["rope_freqs.weight"] == nil ? nil : "rope_freqs.weight"
        )
    }

    private func ropeScale() throws(GGUFError) -> Float {
        switch try file.stringIfPresent(key("rope.scaling.type")) ?? "none" {
        case "none":
            return 1
        case "linear":
            return try positiveFloat("rope.scaling.factor")
        case let other:
            throw file.error(.unsupportedRopeScaling(other, supported: ["none", "linear"]))
        }
    }

    /// The embedding table's rows, which must agree with the tokenizer's tokens and the stated size.
    func vocabularySize(embeddingLength: Int) throws(GGUFError) -> Int {
        let embedding = try file.tensor("token_embd.weight")
        guard embedding.columns == embeddingLength, embedding.dimensions.count == 2 else {
            let expected = [embeddingLength, embedding.rows]
            throw file.error(
                .wrongDimensions(tensor: embedding.name, expected: expected, found: embedding.dimensions)
            )
        }
        let stated = try file.intIfPresent(key("vocab_size"))
        let hasTokens = file.metadata["tokenizer.ggml.tokens"] != nil
        let tokens = hasTokens ? try file.stringArray("tokenizer.ggml.tokens").count : nil
        for other in [stated, tokens].compactMap({ $0 }) where other != embedding.rows {
            throw inconsistent("has embeddings for \(embedding.rows) tokens but a vocabulary of \(other)")
        }
        // Token ids are 32-bit on the wire and in trees.
        guard embedding.rows <= Int(Int32.max) else { throw inconsistent("has \(embedding.rows) tokens, too many") }
        return embedding.rows
    }

    private func inconsistent(_ what: String) -> GGUFError {
        file.error(.inconsistent("\(what); convert the model again"))
    }
}
