package import PacelineModel
package import PacelineSpeculation
package import PacelineWire

/// A drafter as a user names it.
package enum DrafterName: Hashable, Sendable, CustomStringConvertible {
    /// A GGUF file.
    case model(path: String)
    /// A GGUF file, and another one whose tokens it is to propose.
    case retokenized(path: String, tokenizer: String)
    /// The file of a head, and that of its target; nil for the verifier's own model.
    case head(path: String, target: String?)
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
    /// What stands before the file of a head.
    private static let headKey = "head:"
    /// What stands between a head and its target.
    private static let targetKey = ":target="

    /// Reads a name: a drafter without a model and its settings, a short model name or the path of a GGUF file; behind
    /// the latter two, maybe, `:tokenizer=` and the target's name or path. Or `head:` and the path of a head's file,
    /// and behind that, maybe, `:target=` and the target's name or path.
    ///
    /// - Throws: ``LookUpSettingsError``, ``DrafterNameError`` or `CatalogError`.
    package init(_ name: String, catalog: ModelCatalog) throws {
        if let settings = try LookUpSettings(name) {
            self = .lookUp(settings)
            return
        }
        if name.hasPrefix(Self.headKey) {
            self = try Self.readHead(String(name.dropFirst(Self.headKey.count)), catalog)
            return
        }
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

    /// - Parameter name: what stands behind `head:`.
    private static func readHead(_ name: String, _ catalog: ModelCatalog) throws -> DrafterName {
        let key = name.ranges(of: targetKey).last
        let path = String(name[..<(key?.lowerBound ?? name.endIndex)])
        guard !path.isEmpty else { throw DrafterNameError.headFile }
        return .head(path: path, target: try key.map { try catalog.resolve(String(name[$0.upperBound...])) })
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
        case .head(let path, _): Self.headKey + Self.fileName(path)
        case .lookUp(let settings): "\(settings)"
        case .grammar: "grammar"
        case .random: "random"
        case .liar: "liar"
        }
    }

    private static func fileName(_ path: String) -> String { String(path.split(separator: "/").last ?? "model") }

    /// The model whose tokens it proposes; nil if none is named.
    package var vocabularyPath: String? {
        switch self {
        case .model(let path), .retokenized(_, let path): path
        case .head(_, let target): target
        case .lookUp, .grammar, .random, .liar: nil
        }
    }

    var hasModel: Bool {
        switch self {
        case .model, .retokenized, .head: true
        case .lookUp, .grammar, .random, .liar: false
        }
    }

    /// The file of its whole model, if it has one.
    var modelPath: String? {
        switch self {
        case .model(let path), .retokenized(let path, _): path
        case .head, .lookUp, .grammar, .random, .liar: nil
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
    case headFile
    case headTarget(path: String)
    case headElsewhere(path: String)
    case headFeatures(Int)
    case grammar
    case unknown(String, models: [String])

    package var description: String {
        switch self {
        case .headFile:
            "head: lacks a file; name one that paceline train has written, as in head:smollm2.head.gguf"
        case .headTarget(let path):
            "a head drafts with its target's embeddings, so name the target's file too: -md head:\(path):target=MODEL; "
                + "or name the head at the verifier: paceline verifier -md head:\(path)"
        case .headElsewhere(let path):
            "a head reads what the target computes, which only drafters of a verifier are told; name it there, as in "
                + "paceline verifier -md head:\(path)"
        case .headFeatures(let count):
            "the heads read \(count) different features of the target, but a worker gets at most "
                + "\(FeatureDemand.tapLimit); run a separate worker for some of them"
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
