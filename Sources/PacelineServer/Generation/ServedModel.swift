import PacelineChat
package import PacelineModel
import PacelineSpeculation

/// The target as clients see it.
package struct ServedModel: Sendable {
    /// The names under which clients may ask for it; answers have the one that was asked for, or else the first.
    package let names: [String]
    /// The name or path that the server was started with.
    package let root: String
    package let tokenizer: Tokenizer
    /// Turns conversations into prompts.
    package let renderer: ChatRenderer
    /// How it fills gaps; nil if it was not trained to.
    package let infill: InfillTokens?
    /// The most tokens of prompt and text together.
    package let contextLength: Int
    /// The most generations that run at once.
    package let slots: Int
    /// When it was loaded, in seconds since 1970.
    package let created: Int
    /// Equal if and only if equal requests are bound to give equal tokens.
    package let fingerprint: String
    /// Equal for servers that can go on with each other's answers: they also have room for the same texts, and the same
    /// name for a model that a request does not name.
    package var generation: String {
        "\(fingerprint)-\(contextLength)-\(String(FNV1a(names[0].utf8).value, radix: 16))"
    }
    /// The most texts that one request may ask for.
    package static let choiceLimit = 128
    /// Figures of the file, for those who look.
    package let description: JSONValue
    /// Special tokens that show as text, because something in the text depends on them.
    let shownMarkers: Set<Token>
    /// Special tokens that show as text where a request has tools, because calls are made of them.
    let toolMarkers: Set<Token>

    /// - Parameters:
    ///   - names: at least one, or the root is the name.
    ///   - numerics: names everything besides the model that the bits of its logits depend on.
    package init(
        names: [String],
        root: String,
        model: ModelFile,
        contextLength: Int,
        slots: Int,
        created: Int,
        numerics: String
    ) throws {
        let configuration = model.configuration
        try self.init(
            names: names.isEmpty ? [root] : names,
            root: root,
            file: model.file,
            tokenizer: model.tokenizer,
            contextLength: contextLength,
            slots: slots,
            created: created,
            fingerprint: "fp_" + model.fingerprint(numerics: numerics),
            description: [
                "vocab_type": .int(try model.file.string("tokenizer.ggml.model") == "llama" ? 1 : 2),
                "n_vocab": .int(model.tokenizer.tokenCount), "n_ctx_train": .int(configuration.contextLength),
                "n_embd": .int(configuration.embeddingLength),
                "n_params": .int(model.file.tensors.values.reduce(0) { $0.addingReportingOverflow($1.elementCount).0 }),
                "size": .int(model.file.byteCount),
            ]
        )
    }

    private init(
        names: [String],
        root: String,
        file: GGUFFile,
        tokenizer: Tokenizer,
        contextLength: Int,
        slots: Int,
        created: Int,
        fingerprint: String,
        description: JSONValue
    ) throws {
        (self.names, self.root, self.tokenizer) = (names, root, tokenizer)
        (self.contextLength, self.slots, self.created) = (contextLength, slots, created)
        (self.fingerprint, self.description) = (fingerprint, description)
        renderer = try ChatRenderer(file, tokenizer: tokenizer)
        infill = try InfillTokens(file, tokenizer: tokenizer)
        shownMarkers = renderer.thinks ? tokenizer.reasoningMarkers : []
        toolMarkers = tokenizer.specialTokens(named: renderer.toolCallFormat?.markers ?? [])
    }

    /// A model that is a vocabulary alone, for those who invent what it generates.
    ///
    /// - Parameters:
    ///   - vocabulary: has a tokenizer and need have nothing else.
    ///   - fingerprint: equal for models that are to give equal tokens.
    package init(name: String, vocabulary: GGUFFile, fingerprint: String, contextLength: Int, slots: Int) throws {
        try self.init(
            names: [name],
            root: name,
            file: vocabulary,
            tokenizer: Tokenizer(vocabulary),
            contextLength: contextLength,
            slots: slots,
            created: 0,
            fingerprint: fingerprint,
            description: [:]
        )
    }

    /// The first name.
    package var id: String { names[0] }

    /// The name that an answer has for a request that asks for `name`; nil and an empty name ask for the only model.
    ///
    /// - Throws: ``APIError`` (404) for another model.
    func name(for name: String?) throws(APIError) -> String {
        guard let name, !name.isEmpty else { return id }
        guard names.contains(name) else {
            throw .notFound(
                "the model \(name.prefix(80)) is not served here; use \(names.joined(separator: " or "))",
                param: "model",
                code: "model_not_found"
            )
        }
        return name
    }
}
