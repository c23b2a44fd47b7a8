package import PacelineModel
package import PacelineTensor
import PacelineWire

extension LoadedTarget {
    /// Loads a model as the target of a verifier. For the compute thread, where the engine stays.
    ///
    /// - Parameters:
    ///   - file: the model's, checked.
    ///   - threads: that share a pass, the calling one included.
    ///   - contextLength: tokens that one sequence may hold; the model's own limit if nil.
    ///   - cacheType: how keys and values are stored. Tokens depend on it as on the weights.
    ///   - sequences: that may be open at once. Memory for keys and values is taken as they grow.
    ///   - availableMemory: bytes that it may take; nil if nobody knows.
    ///   - progress: called with the share of weights that are ready, 0 … 1.
    /// - Throws: what ``LanguageModel`` throws, ``ContextError``, or ``MemoryDemandError`` where all that would not
    ///   fit.
    package static func transformer(
        _ file: ModelFile,
        threads: Int,
        contextLength: Int? = nil,
        cacheType: KVType = .f16,
        sequences: Int,
        availableMemory: Int? = SystemMemory.available(),
        progress: (Double) -> Void = { _ in }
    ) throws -> LoadedTarget {
        let longest = file.configuration.contextLength
        let context = contextLength ?? longest
        guard (1...longest).contains(context) else { throw ContextError(asked: context, longest: longest) }
        try TransformerEngine.demand(
            of: file,
            contextLength: context,
            sequences: sequences,
            cacheType: cacheType
        ).check(available: availableMemory)
        let model = try LanguageModel(
            file,
            compute: Compute(threads: threads),
            cacheType: cacheType,
            progress: progress
        )
        let capacity = context * sequences
        let engine = TransformerEngine(
            transformer: model.transformer,
            cacheCapacity: capacity,
            sequences: sequences
        )
        let description = TargetDescription(
            fingerprint: ModelFingerprint(file),
            contextLength: context,
            cacheCapacity: capacity,
            pages: engine.pages,
            featureLayers: file.configuration.blockCount
        )
        return LoadedTarget(engine: engine, description: description)
    }
}

/// A context length that the model does not have.
package struct ContextError: Error, Equatable, CustomStringConvertible {
    package let asked: Int
    package let longest: Int

    package var description: String {
        "a context of \(asked) tokens was asked for, but this model holds 1 to \(longest); set --context accordingly"
    }
}
