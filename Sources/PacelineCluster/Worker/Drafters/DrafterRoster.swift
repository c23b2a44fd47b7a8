package import PacelineModel
package import PacelineSpeculation
import PacelineTensor
package import PacelineWire

/// A drafter as a user names it.
package enum DrafterName: Hashable, Sendable, CustomStringConvertible {
    /// A GGUF file.
    case model(path: String)
    /// Prompt lookup.
    case ngram
    /// A suffix automaton over the sequence.
    case suffix
    /// Fault injection: valid trees of arbitrary tokens with lying probabilities.
    case random
    /// Fault injection: the same, certain of every node.
    case liar

    /// Reads a name: a drafter without a model, a short model name or the path of a GGUF file.
    package init(_ name: String, catalog: ModelCatalog) throws(CatalogError) {
        switch name {
        case "ngram": self = .ngram
        case "suffix": self = .suffix
        case "random": self = .random
        case "liar": self = .liar
        default: self = .model(path: try catalog.resolve(name))
        }
    }

    package var description: String {
        switch self {
        case .model(let path): String(path.split(separator: "/").last ?? "model")
        case .ngram: "ngram"
        case .suffix: "suffix"
        case .random: "random"
        case .liar: "liar"
        }
    }
}

/// The drafters that a worker hosts, with their models loaded; makes a set of them for every sequence.
package final class DrafterRoster: DrafterSource {
    private struct Model {
        let transformer: Transformer
        let pool: KVPagePool
    }

    private let names: [DrafterName]
    private var models: [DrafterName: Model] = [:]
    private var seed: UInt64

    /// Loads the models among `names`. For the compute thread, where the drafters stay.
    ///
    /// - Parameters:
    ///   - draftVocabulary: how many of the first tokens models score, besides special ones; nil for all.
    ///   - sequences: how many are drafted for at once.
    ///   - seed: for the `random` and `liar` drafters.
    ///   - progress: advances while a model runs, so that a long prompt does not look like a hang.
    package init(
        _ names: [DrafterName],
        draftVocabulary: Int? = nil,
        threads: Int,
        sequences: Int,
        seed: UInt64,
        progress: ComputeProgress
    ) throws {
        self.names = names.filter { !$0.hasModel } + names.filter(\.hasModel)
        self.seed = seed
        guard names.contains(where: \.hasModel) else { return }
        let compute = try Compute(threads: threads)
        for case .model(let path) in names where models[.model(path: path)] == nil {
            let model = try LanguageModel(
                ModelFile(path: path),
                compute: compute,
                draftVocabulary: draftVocabulary
            )
            model.transformer.onProgress = { progress.advance() }
            let slots = sequences * (model.configuration.contextLength + TreeLimits().nodes)
            models[.model(path: path)] = Model(
                transformer: model.transformer,
                pool: KVPagePool(shape: model.transformer.cacheShape, slots: slots)
            )
        }
    }

    package func makeDrafters() throws -> [any Drafter] {
        names.compactMap { name in
            switch name {
            case .ngram: return NGramDrafter()
            case .suffix: return SuffixDrafter()
            case .random, .liar:
                seed &+= 1
                return RandomDrafter(seed: seed, largestSurprisal: name == .liar ? 0 : 0.1)
            case .model:
                return models[name].map { ModelDrafter(transformer: $0.transformer, pool: $0.pool) }
            }
        }
    }
}

extension DrafterName {
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
        self.init(
            tokenizerHash: model.tokenizer.fingerprint.bytes,
            vocabularySize: model.configuration.vocabularySize,
            tokens: Tokens(hash: model.tokenizer.vocabularyFingerprint.bytes, count: model.tokenizer.tokenCount),
            model: model.configuration.name ?? model.path
        )
    }
}
