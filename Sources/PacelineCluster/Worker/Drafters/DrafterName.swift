package import PacelineModel
package import PacelineSpeculation
package import PacelineWire

/// A drafter as a user names it.
package enum DrafterName: Hashable, Sendable, CustomStringConvertible {
    /// A GGUF file.
    case model(path: String)
    /// A drafter without a model.
    case lookUp(LookUpSettings)
    /// Fault injection: valid trees of arbitrary tokens with lying probabilities.
    case random
    /// Fault injection: the same, certain of every node.
    case liar

    /// Reads a name: a drafter without a model and its settings, a short model name or the path of a GGUF file.
    ///
    /// - Throws: ``LookUpSettingsError``, ``DrafterNameError`` or `CatalogError`.
    package init(_ name: String, catalog: ModelCatalog) throws {
        if let settings = try LookUpSettings(name) {
            self = .lookUp(settings)
            return
        }
        guard !name.hasPrefix("head:") else { throw DrafterNameError.head }
        switch name {
        case "random": self = .random
        case "liar": self = .liar
        default:
            do throws(CatalogError) {
                self = .model(path: try catalog.resolve(name))
            } catch {
                guard case .unknown(_, let models) = error else { throw error }
                throw DrafterNameError.unknown(name, models: models)
            }
        }
    }

    package var description: String {
        switch self {
        case .model(let path): String(path.split(separator: "/").last ?? "model")
        case .lookUp(let settings): "\(settings)"
        case .random: "random"
        case .liar: "liar"
        }
    }

    /// What its token ids mean; nil if it drafts for any vocabulary. Reads a file.
    package func fingerprint() throws -> ModelFingerprint? {
        switch self {
        case .model(let path): try ModelFingerprint(modelAt: path)
        case .lookUp(let settings) where settings.kind == .datastore:
            ModelFingerprint(try Datastore(path: settings.path).vocabulary)
        case .lookUp, .random, .liar: nil
        }
    }

    var hasModel: Bool {
        if case .model = self { true } else { false }
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
    case unknown(String, models: [String])

    package var description: String {
        switch self {
        case .head:
            "heads cannot be used as drafters yet; \"head:\" is kept for them, so name another drafter, such as ngram"
        case .unknown(let name, let models):
            "there is no drafter \"\(name)\"; name a GGUF file, a model (\(models.joined(separator: ", "))) "
                + "or a drafter without a model "
                + "(\(LookUpSettings.Kind.allCases.map(\.rawValue).joined(separator: ", ")))"
        }
    }
}
