package import PacelineModel
package import PacelineSpeculation
import PacelineTensor

/// The drafters that a worker hosts, with their models loaded; makes a set of them for every sequence.
package final class DrafterRoster: DrafterSource {
    private struct Model {
        let transformer: Transformer
        let pool: KVPagePool
        let tokenizer: Tokenizer

        func makeDrafter() -> ModelDrafter { ModelDrafter(transformer: transformer, pool: pool) }
    }

    private let names: [DrafterName]
    /// By the paths of their files.
    private var models: [String: Model] = [:]
    /// The tokenizers of targets with other vocabularies, by the paths of their files.
    private var tokenizers: [String: Tokenizer] = [:]
    /// What makes the drafters without a model; those of all sequences share what they remember.
    private var lookUps: [DrafterName: LookUpSource] = [:]
    /// The target's; nil where nobody knows it.
    private let target: Tokenizer?
    private var seed: UInt64

    /// Loads the models and datastores among `names`. For the compute thread, where the drafters stay.
    ///
    /// - Parameters:
    ///   - target: the target's tokenizer where it is known, as in its own process. Otherwise that of a model among
    ///     `names` stands in, since its tokens are the target's.
    ///   - draftVocabulary: how many of the first tokens models score, besides special ones; nil for all.
    ///   - sequences: how many are drafted for at once.
    ///   - seed: for the `random` and `liar` drafters.
    ///   - progress: advances while a model runs, so that a long prompt does not look like a hang.
    package init(
        _ names: [DrafterName],
        target: Tokenizer? = nil,
        draftVocabulary: Int? = nil,
        threads: Int,
        sequences: Int,
        seed: UInt64,
        progress: ComputeProgress
    ) throws {
        self.names = names.filter { !$0.hasModel } + names.filter(\.hasModel)
        self.seed = seed
        for name in names {
            guard case .lookUp(let settings) = name, lookUps[name] == nil else { continue }
            lookUps[name] = try LookUpSource(settings) { path in try Datastore(path: path) }
        }
        self.target = try target ?? Self.targetTokenizer(names)
        if self.target == nil, names.contains(.grammar) { throw DrafterNameError.grammar }
        guard names.contains(where: \.hasModel) else { return }
        let compute = try Compute(threads: threads)
        for case .retokenized(_, let path) in names { tokenizers[path] = try ModelFile(path: path).tokenizer }
        for case let path? in names.map(\.modelPath) where models[path] == nil {
            let model = try LanguageModel(
                ModelFile(path: path),
                compute: compute,
                draftVocabulary: draftVocabulary
            )
            model.transformer.onProgress = { progress.advance() }
            let slots = sequences * (model.configuration.contextLength + TreeLimits().nodes)
            models[path] = Model(
                transformer: model.transformer,
                pool: KVPagePool(shape: model.transformer.cacheShape, slots: slots),
                tokenizer: model.tokenizer
            )
        }
    }

    /// A tokenizer with the target's tokens, if a drafter has one.
    private static func targetTokenizer(_ names: [DrafterName]) throws -> Tokenizer? {
        guard names.contains(.grammar) else { return nil }
        for name in names {
            switch name {
            case .model(let path), .retokenized(_, let path): return try ModelFile(path: path).tokenizer
            case .lookUp, .grammar, .random, .liar: continue
            }
        }
        return nil
    }

    /// Some of these drafters, with the same models and datastores, that remember nothing.
    ///
    /// - Parameter names: of drafters that this roster has; others are left out.
    package func fresh(_ names: [DrafterName]) throws -> DrafterRoster {
        try DrafterRoster(names.filter(self.names.contains), sharing: self)
    }

    private init(_ names: [DrafterName], sharing other: DrafterRoster) throws {
        self.names = names.filter { !$0.hasModel } + names.filter(\.hasModel)
        (models, tokenizers, target) = (other.models, other.tokenizers, other.target)
        seed = other.seed
        for case .lookUp(let settings) in names {
            let name = DrafterName.lookUp(settings)
            // A datastore does not remember anything.
            lookUps[name] =
                settings.kind == .datastore
                ? other.lookUps[name] : try LookUpSource(settings) { try Datastore(path: $0) }
        }
    }

    package func makeDrafters() throws -> [any Drafter] {
        names.compactMap { name in
            switch name {
            case .lookUp: return lookUps[name]?.makeDrafter()
            case .grammar: return target.map { GrammarDrafter(tokenizer: $0) }
            case .random, .liar:
                seed &+= 1
                return RandomDrafter(seed: seed, largestSurprisal: name == .liar ? 0 : 0.1)
            case .model(let path): return models[path]?.makeDrafter()
            case .retokenized(let path, let tokenizer):
                guard let model = models[path], let target = tokenizers[tokenizer] else { return nil }
                return RetokenizingDrafter(model.makeDrafter(), drafter: model.tokenizer, target: target)
            }
        }
    }
}
