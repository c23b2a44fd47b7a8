package import PacelineTensor

/// A model file made ready: configuration, tokeniser and transformer.
///
/// One thread uses it at a time; the tokeniser may be used by any.
package final class LanguageModel {
    package let path: String
    /// Bytes of the model's files.
    package let fileBytes: Int
    package let configuration: ModelConfiguration
    package let tokenizer: Tokenizer
    package let transformer: Transformer

    /// Packs the weights of `model` on `compute`.
    ///
    /// - Parameters:
    ///   - draftVocabulary: for a drafter: score only the first so many tokens and the special ones. All if there are
    ///     no more.
    ///   - cacheType: how keys and values are stored; tokens depend on it.
    ///   - progress: called with the share done, 0 … 1.
    /// - Throws: what ``TransformerWeights`` throws.
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

    /// Computes the logits behind one token, on a cache of its own: the first pass touches what no pass has touched
    /// before.
    package func computeFirstToken() throws(KVCacheError) {
        let cache = KVCache(pool: KVPagePool(shape: transformer.cacheShape, slots: KVPage.slots))
        try cache.reserve(1)
        transformer.forward([.committed(0, position: 0, cache: cache, wantsLogits: true)])
    }
}
