import PacelineCluster
import PacelineGrammar
import PacelineModel
import PacelineSpeculation
import PacelineTestKit
import PacelineWire

/// Drafts with a tiny model that resembles the tiny target.
final class TinyDrafterSource: DrafterSource {
    private let transformer: Transformer
    private let pool: KVPagePool
    private let compiler: ConstraintCompiler

    /// - Parameters:
    ///   - perturbation: how far its weights are from the target's.
    ///   - onRefusal: told of constraints that the drafters cannot use.
    init(perturbation: Float, onRefusal: @escaping (GrammarError) -> Void = { _ in }) throws {
        var model = TinyModel.with(weights: .q4_0)
        model.perturbation = perturbation
        transformer = try model.transformer(threads: 1)
        pool = KVPagePool(shape: transformer.cacheShape, slots: 1 << 13)
        compiler = ConstraintCompiler(try model.tokenizer(), onRefusal: onRefusal)
    }

    func makeDrafters() -> [any Drafter] {
        [ModelDrafter(transformer: transformer, pool: pool, compiler: compiler)]
    }
}

extension TargetDescription {
    /// The tiny target's, with as much cache as ``TransformerEngineTests/engine(threads:capacity:cacheType:)`` has.
    static func tiny(cacheCapacity: Int = 4_096) throws -> TargetDescription {
        let tokenizer = try TinyModel.with(weights: .q4_0).tokenizer()
        return TargetDescription(
            fingerprint: ModelFingerprint(
                tokenizerHash: tokenizer.fingerprint.bytes,
                vocabularySize: tokenizer.tokenCount,
                tokens: ModelFingerprint.Tokens(
                    hash: tokenizer.vocabularyFingerprint.bytes,
                    count: tokenizer.tokenCount
                ),
                model: "tiny"
            ),
            contextLength: 1_024,
            cacheCapacity: cacheCapacity
        )
    }
}
