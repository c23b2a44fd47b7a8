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
    /// Shared by the drafters of all sequences.
    private var heads: [DrafterName: DraftHead] = [:]
    /// The tokenizers of targets that are named beside drafters, by the paths of their files.
    private var tokenizers: [String: Tokenizer] = [:]
    /// What makes the drafters without a model; those of all sequences share what they remember.
    private var lookUps: [DrafterName: LookUpSource] = [:]
    /// For the target's tokens; nil if no drafter knows them.
    private var compiler: ConstraintCompiler?
    private let progress: ComputeProgress
    private var seed: UInt64

    /// Loads the models, heads and datastores among `names`. For the compute thread, where the drafters stay.
    ///
    /// - Parameters:
    ///   - draftVocabulary: how many of the first tokens models score, besides special ones; nil for all.
    ///   - target: the target, if it is at hand. Otherwise heads need its file in their names, and the models' own
    ///     tokenizer serves drafters that are told what the text must be.
    ///   - sequences: how many are drafted for at once.
    ///   - seed: for the `random` and `liar` drafters.
    ///   - progress: advances while a model runs, so that a long prompt does not look like a hang.
    ///   - logger: told of constraints that cannot be used.
    package init(
        _ names: [DrafterName],
        target: ModelFile? = nil,
        draftVocabulary: Int? = nil,
        threads: Int,
        sequences: Int,
        seed: UInt64,
        progress: ComputeProgress,
        logger: Logger = Logger(label: "paceline.drafters")
    ) throws {
        self.names = names.filter { !$0.hasModel } + names.filter(\.hasModel)
        (self.seed, self.progress) = (seed, progress)
        for name in names {
            guard case .lookUp(let settings) = name, lookUps[name] == nil else { continue }
            lookUps[name] = try LookUpSource(settings) { path in try Datastore(path: path) }
        }
        if self.names.contains(where: \.hasModel) {
            let compute = try Compute(threads: threads)
            try loadModels(draftVocabulary: draftVocabulary, sequences: sequences, compute: compute)
            try loadHeads(target, compute)
        }
        compiler = (target?.tokenizer ?? ownTokenizer).map { tokenizer in
            ConstraintCompiler(tokenizer) { error in
                logger.warning("drafts for a request without its constraint, which cannot be used here: \(error)")
            }
        }
        if compiler == nil, names.contains(.grammar) { throw DrafterNameError.grammar }
    }

    private func loadModels(draftVocabulary: Int?, sequences: Int, compute: Compute) throws {
        for case .retokenized(_, let path) in names { tokenizers[path] = try ModelFile(path: path).tokenizer }
        for case let path? in names.map(\.modelPath) where models[path] == nil {
            let model = try LanguageModel(
                ModelFile(path: path),
                compute: compute,
                draftVocabulary: draftVocabulary
            )
            model.transformer.onProgress = { [progress] in progress.advance() }
            let slots = sequences * (model.configuration.contextLength + TreeLimits().nodes)
            models[path] = Model(
                transformer: model.transformer,
                pool: KVPagePool(shape: model.transformer.cacheShape, slots: slots),
                tokenizer: model.tokenizer
            )
        }
    }

    private func loadHeads(_ target: ModelFile?, _ compute: Compute) throws {
        var targets: [String: ModelFile] = [:]
        for name in names {
            guard case .head(let path, let named) = name, heads[name] == nil else { continue }
            // Features are those of the target at hand, whatever else is named.
            if target == nil, let named, targets[named] == nil {
                let model = try ModelFile(path: named)
                (targets[named], tokenizers[named]) = (model, model.tokenizer)
            }
            guard let model = target ?? named.flatMap({ targets[$0] }) else {
                throw DrafterNameError.headTarget(path: path)
            }
            heads[name] = try DraftHead(path: path, target: model, compute: compute)
        }
    }

    /// A tokenizer with the target's tokens.
    private var ownTokenizer: Tokenizer? {
        names.lazy.compactMap { name in
            switch name {
            case .model(let path): self.models[path]?.tokenizer
            case .retokenized(_, let path): self.tokenizers[path]
            case .head(_, let target): target.flatMap { self.tokenizers[$0] }
            case .lookUp, .grammar, .random, .liar: nil
            }
        }.first
    }

    /// Some of these drafters, with the same models, heads and datastores, that remember nothing.
    ///
    /// - Parameter names: of drafters that this roster has; others are left out.
    package func fresh(_ names: [DrafterName]) throws -> DrafterRoster {
        try DrafterRoster(names.filter(self.names.contains), sharing: self)
    }

    private init(_ names: [DrafterName], sharing other: DrafterRoster) throws {
        self.names = names.filter { !$0.hasModel } + names.filter(\.hasModel)
        (models, heads, tokenizers) = (other.models, other.heads, other.tokenizers)
        (compiler, progress, seed) = (other.compiler, other.progress, other.seed)
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
                return RandomDrafter(seed: seed, isCertain: name == .liar)
            case .model(let path): return models[path]?.makeDrafter(compiler)
            case .head: return heads[name].map { makeDrafter($0) }
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

    private func makeDrafter(_ head: DraftHead) -> any Drafter {
        head.makeDrafter(compiler) { [progress] in progress.advance() }
    }
}
