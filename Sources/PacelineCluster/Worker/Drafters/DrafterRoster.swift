package import Logging
package import PacelineModel
package import PacelineSpeculation
import PacelineTensor

/// The drafters that a worker hosts, with their models loaded; makes a set of them for every sequence.
package final class DrafterRoster: DrafterSource {
    private struct Model {
        let transformer: Transformer
        let pool: KVPagePool
        let tokenizer: Tokenizer

        func makeDrafter(_ compiler: ConstraintCompiler? = nil) -> ModelDrafter {
            ModelDrafter(transformer: transformer, pool: pool, compiler: compiler)
        }
    }

    private let names: [DrafterName]
    /// By the paths of their files.
    private var models: [String: Model] = [:]
    /// The tokenizers of targets with other vocabularies, by the paths of their files.
    private var tokenizers: [String: Tokenizer] = [:]
    /// What makes the drafters without a model; those of all sequences share what they remember.
    private var lookUps: [DrafterName: LookUpSource] = [:]
    /// For the target's tokens; nil if no drafter knows them.
    private var compiler: ConstraintCompiler?
    private var seed: UInt64

    /// Loads the models and datastores among `names`. For the compute thread, where the drafters stay.
    ///
    /// - Parameters:
    ///   - draftVocabulary: how many of the first tokens models score, besides special ones; nil for all.
    ///   - target: the target's tokenizer, if it is at hand; otherwise the models' own serves drafters that are told
    ///     what the text must be.
    ///   - sequences: how many are drafted for at once.
    ///   - seed: for the `random` and `liar` drafters.
    ///   - progress: advances while a model runs, so that a long prompt does not look like a hang.
    ///   - logger: told of constraints that cannot be used.
    package init(
        _ names: [DrafterName],
        target: Tokenizer? = nil,
        draftVocabulary: Int? = nil,
        threads: Int,
        sequences: Int,
        seed: UInt64,
        progress: ComputeProgress,
        logger: Logger = Logger(label: "paceline.drafters")
    ) throws {
        self.names = names.filter { !$0.hasModel } + names.filter(\.hasModel)
        self.seed = seed
        for name in names {
            guard case .lookUp(let settings) = name, lookUps[name] == nil else { continue }
            lookUps[name] = try LookUpSource(settings) { path in try Datastore(path: path) }
        }
        try loadModels(draftVocabulary: draftVocabulary, threads: threads, sequences: sequences, progress: progress)
        compiler = (target ?? ownTokenizer).map { tokenizer in
            ConstraintCompiler(tokenizer) { error in
                logger.warning("drafts for a request without its constraint, which cannot be used here: \(error)")
            }
        }
        if compiler == nil, names.contains(.grammar) { throw DrafterNameError.grammar }
    }

    private func loadModels(
        draftVocabulary: Int?,
        threads: Int,
        sequences: Int,
        progress: ComputeProgress
    ) throws {
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

    /// A tokenizer with the target's tokens.
    private var ownTokenizer: Tokenizer? {
        names.lazy.compactMap { name in
            switch name {
            case .model(let path): self.models[path]?.tokenizer
            case .retokenized(_, let path): self.tokenizers[path]
            case .lookUp, .grammar, .random, .liar: nil
            }
        }.first
    }

    /// Some of these drafters, with the same models and datastores, that remember nothing.
    ///
    /// - Parameter names: of drafters that this roster has; others are left out.
    package func fresh(_ names: [DrafterName]) throws -> DrafterRoster {
        try DrafterRoster(names.filter(self.names.contains), sharing: self)
    }

    private init(_ names: [DrafterName], sharing other: DrafterRoster) throws {
        self.names = names.filter { !$0.hasModel } + names.filter(\.hasModel)
        (models, tokenizers, compiler) = (other.models, other.tokenizers, other.compiler)
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
            case .lookUp: return lookUps[name].map { makeDrafter($0) }
            case .grammar: return compiler.map { GrammarDrafter($0) }
            case .random, .liar:
                seed &+= 1
                return RandomDrafter(seed: seed, largestSurprisal: name == .liar ? 0 : 0.1)
            case .model(let path): return models[path]?.makeDrafter(compiler)
            case .retokenized(let path, let tokenizer):
                guard let model = models[path], let target = tokenizers[tokenizer] else { return nil }
                return RetokenizingDrafter(
                    model.makeDrafter(),
                    drafter: model.tokenizer,
                    target: target,
                    compiler: compiler
                )
            }
        }
    }

    private func makeDrafter(_ source: LookUpSource) -> any Drafter {
        compiler.map { LegalDrafter(source.makeDrafter(), $0) } ?? source.makeDrafter()
    }
}
