/// Reads the metadata keys that begin with the architecture's name.
struct ConfigurationReader {
    let file: GGUFFile
    let prefix: String

    /// The shape of attention.
    struct Heads {
        var embeddingLength: Int
        var count: Int
        var keyValueCount: Int
        var dimension: Int
    }

    func key(_ suffix: String) -> String { "\(prefix).\(suffix)" }

    /// Reads an integer from 1 to `limit`. The limits keep products of two such numbers far from overflow.
    func count(_ suffix: String, limit: Int) throws(GGUFError) -> Int {
        let value = try file.int(key(suffix))
        return try checked(value, suffix, limit: limit)
    }

    func countIfPresent(_ suffix: String, limit: Int) throws(GGUFError) -> Int? {
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

    func checked(_ value: Float, _ suffix: String) throws(GGUFError) -> Float {
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
            throw inconsistent("has \(heads) query heads, which is not a multiple of its \(keyValueHeads) key heads")
        }
        let dimension = try headDimension(embedding: embedding, heads: heads)
        return Heads(embeddingLength: embedding, count: heads, keyValueCount: keyValueHeads, dimension: dimension)
    }

    private func headDimension(embedding: Int, heads: Int) throws(GGUFError) -> Int {
        let keyLength = try countIfPresent("attention.key_length", limit: 1 << 14)
        guard keyLength != nil || embedding % heads == 0 else {
            throw inconsistent("has an embedding length of \(embedding), not a multiple of its \(heads) heads")
        }
        let dimension = keyLength ?? embedding / heads
        let valueLength = try countIfPresent("attention.value_length", limit: 1 << 14) ?? dimension
        guard valueLength == dimension else {
            throw inconsistent("has keys of width \(dimension) but values of width \(valueLength)")
        }
        guard dimension % 2 == 0 else { throw inconsistent("has heads of the odd width \(dimension)") }
        return dimension
    }

    /// The row count of the embedding table, which must match the tokenizer's tokens and the stated size.
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
        guard embedding.rows <= Int(Int32.max) else {
            throw inconsistent("has \(embedding.rows) tokens, but at most \(Int32.max) are supported")
        }
        return embedding.rows
    }

    func inconsistent(_ what: String) -> GGUFError {
        file.error(.inconsistent("\(what); convert the model again"))
    }
}
