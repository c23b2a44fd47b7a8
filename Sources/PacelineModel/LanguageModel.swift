package import PacelineTensor

/// A loaded model: configuration, tokenizer and transformer.
///
/// One thread uses it at a time, but any thread may use the tokenizer.
package final class LanguageModel {
    package let path: String
    /// Size of the model's files in bytes.
    package let fileBytes: Int
    package let configuration: ModelConfiguration
    package let tokenizer: Tokenizer
    package let transformer: Transformer

    /// Packs the weights of `model` on `compute`.
    ///
    /// - Parameters:
    ///   - draftVocabulary: for a drafter, the number of first tokens to score in addition to the special ones; nil for
    ///     all tokens.
    ///   - cacheType: how keys and values are stored; the tokens depend on it.
    ///   - progress: called with the share done, 0 … 1.
    /// - Throws: the errors of ``TransformerWeights``.
    package init(
        _ model: ModelFile,
        compute: Compute,
        draftVocabulary: Int? = nil,
        cacheType: KVType = .f16,
        progress: (Double) -> Void = { _ in }
    ) throws {
        path = model.path
        fileBytes = model.file.byteCount
        configuration = model.configuration
        tokenizer = model.tokenizer
        let columns = LogitColumns(model.tokenizer, first: draftVocabulary)
        let weights = try TransformerWeights(
            model.tensors,
            configuration: configuration,
            compute: compute,
            columns: columns,
            progress: progress
        )
        transformer = Transformer(
            configuration: configuration,
            weights: weights,
            compute: compute,
            cacheType: cacheType
        )
    }

    /// Computes the logits after one token on a temporary cache. This first pass touches memory that loading has not.
    package func computeFirstToken() throws(KVCacheError) {
        let cache = KVCache(pool: KVPagePool(shape: transformer.cacheShape, slots: KVPage.slots))
        try cache.reserve(1)
        transformer.forward([.committed(0, position: 0, cache: cache, wantsLogits: true)])
    }
}
