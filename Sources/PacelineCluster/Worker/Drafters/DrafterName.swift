package import PacelineModel
package import PacelineSpeculation
package import PacelineWire

/// A drafter as a user names it.
package enum DrafterName: Hashable, Sendable, CustomStringConvertible {
    /// A GGUF file.
    case model(path: String)
    /// A GGUF file, and another one whose tokens it is to propose.
    case retokenized(path: String, tokenizer: String)
    /// A drafter without a model.
    case lookUp(LookUpSettings)
    /// What a request's grammar forces; needs the target's tokenizer.
    case grammar
    /// Fault injection: valid trees of arbitrary tokens with lying probabilities.
    case random
    /// Fault injection: the same, certain of every node.
    case liar

    /// What stands between a model and the one whose tokens it is to propose.
    private static let tokenizerKey = ":tokenizer="

    /// Reads a name: a drafter without a model and its settings, a short model name or the path of a GGUF file; behind
    /// the latter two, maybe, `:tokenizer=` and the target's name or path.
    ///
    /// - Throws: ``LookUpSettingsError``, ``DrafterNameError`` or `CatalogError`.
    package init(_ name: String, catalog: ModelCatalog) throws {
        if let settings = try LookUpSettings(name) {
            self = .lookUp(settings)
            return
        }
        guard !name.hasPrefix("head:") else { throw DrafterNameError.head }
        switch name {
        case "grammar": self = .grammar
        case "random": self = .random
        case "liar": self = .liar
        default:
            guard let key = name.ranges(of: Self.tokenizerKey).last else {
                self = .model(path: try Self.resolve(name, catalog))
                return
            }
            let (model, target) = (String(name[..<key.lowerBound]), String(name[key.upperBound...]))
            self = .retokenized(path: try Self.resolve(model, catalog), tokenizer: try Self.resolve(target, catalog))
        }
    }

    private static func resolve(_ name: String, _ catalog: ModelCatalog) throws -> String {
        do throws(CatalogError) {
            return try catalog.resolve(name)
        } catch {
            guard case .unknown(_, let models) = error else { throw error }
            throw DrafterNameError.unknown(name, models: models)
        }
    }

    package var description: String {
        switch self {
        case .model(let path): Self.fileName(path)
        case .retokenized(let path, let tokenizer):
            Self.fileName(path) + Self.tokenizerKey + Self.fileName(tokenizer)
        case .lookUp(let settings): "\(settings)"
        case .grammar: "grammar"
        case .random: "random"
        case .liar: "liar"
        }
    }

    private static func fileName(_ path: String) -> String { String(path.split(separator: "/").last ?? "model") }

    /// The model whose tokens it proposes; nil if it is no model.
    package var vocabularyPath: String? {
        switch self {
        case .model(let path), .retokenized(_, let path): path
        case .lookUp, .grammar, .random, .liar: nil
        }
    }

    /// What its token ids mean; nil if it drafts for any vocabulary. Reads a file.
    package func fingerprint() throws -> ModelFingerprint? {
        switch self {
        case .model, .retokenized: try vocabularyPath.map(ModelFingerprint.init(modelAt:))
        case .lookUp(let settings) where settings.kind == .datastore:
            ModelFingerprint(try Datastore(path: settings.path).vocabulary)
        case .lookUp, .grammar, .random, .liar: nil
        }
    }

    var hasModel: Bool {
        switch self {
        case .model, .retokenized: true
        case .lookUp, .grammar, .random, .liar: false
        }
    }

    /// The file of its model, if it has one.
    var modelPath: String? {
        switch self {
        case .model(let path), .retokenized(let path, _): path
        case .lookUp, .grammar, .random, .liar: nil
        }
    }
}

extension ModelFingerprint {
    /// How a worker introduces this model in the handshake; reads the file's header alone.
    package init(modelAt path: String) throws {
        try self.init(ModelFile(path: path))
    }

    /// How a process introduces this model in the handshake.
    init(_ model: ModelFile) {
        self.init(Datastore.Vocabulary(model))
    }

    /// How a worker introduces a datastore in the handshake.
    init(_ vocabulary: Datastore.Vocabulary) {
        self.init(
            tokenizerHash: vocabulary.tokenizerHash,
            vocabularySize: vocabulary.size,
            tokens: Tokens(hash: vocabulary.tokensHash, count: vocabulary.count),
            model: vocabulary.model
        )
    }
}

/// A name that leads to no drafter.
package enum DrafterNameError: Error, Equatable, CustomStringConvertible {
    case head
    case grammar
    case unknown(String, models: [String])

    package var description: String {
        switch self {
        case .head:
            "heads cannot be used as drafters yet; \"head:\" is kept for them, so name another drafter, such as ngram"
        case .grammar:
            "the grammar drafter needs the target's tokenizer, so name it at the verifier (verifier -md grammar), "
                + "or beside a model"
        case .unknown(let name, let models):
            "there is no drafter \"\(name)\"; name a GGUF file, a model (\(models.joined(separator: ", "))) "
                + "or a drafter without a model "
                + "(\((LookUpSettings.Kind.allCases.map(\.rawValue) + ["grammar"]).joined(separator: ", ")))"
        }
    }
}
