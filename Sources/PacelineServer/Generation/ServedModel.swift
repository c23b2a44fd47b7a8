package import HTTPTypes
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
    /// The header of answers about health that names the generation.
    package static let generationHeader = HTTPField.Name("paceline-generation")!
    /// Figures of the file, for those who look.
    package let description: JSONValue
    /// Special tokens that show as text, because something in the text depends on them.
    let shownMarkers: Set<Token>

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
        self.names = names.isEmpty ? [root] : names
        self.root = root
        self.contextLength = contextLength
        self.slots = slots
        self.created = created
        tokenizer = model.tokenizer
        renderer = try ChatRenderer(model.file, tokenizer: model.tokenizer)
        infill = try InfillTokens(model.file, tokenizer: model.tokenizer)
        shownMarkers = renderer.thinks ? model.tokenizer.reasoningMarkers : []
        fingerprint = "fp_" + model.fingerprint(numerics: numerics)
        let configuration = model.configuration
        description = [
            "vocab_type": .int(try model.file.string("tokenizer.ggml.model") == "llama" ? 1 : 2),
            "n_vocab": .int(model.tokenizer.tokenCount), "n_ctx_train": .int(configuration.contextLength),
            "n_embd": .int(configuration.embeddingLength),
            "n_params": .int(model.file.tensors.values.reduce(0) { $0.addingReportingOverflow($1.elementCount).0 }),
            "size": .int(model.file.byteCount),
        ]
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
