package import PacelineTensor

/// A model file made ready: configuration, tokeniser and transformer.
///
/// One thread uses it at a time; the tokeniser may be used by any.
package final class LanguageModel {
    package let path: String
    /// Bytes of the model's file.
    package let fileBytes: Int
    package let configuration: ModelConfiguration
    package let tokenizer: Tokenizer
    package let transformer: Transformer

    /// Opens the GGUF file at `path` and packs its weights on `compute`.
    ///
    /// - Parameters:
    ///   - draftVocabulary: for a drafter: score only the first so many tokens and the special ones. All if there are
    ///     no more.
    ///   - cacheType: how keys and values are stored; tokens depend on it.
    ///   - progress: called with the share done, 0 … 1.
    /// - Throws: ``GGUFError`` or ``TokenizerError``.
    package init(
        path: String,
        compute: Compute,
        draftVocabulary: Int? = nil,
        cacheType: KVType = .f16,
        progress: (Double) -> Void = { _ in }
    ) throws {
        let file = try GGUFFile(path: path)
        self.path = path
        fileBytes = file.file.count
        configuration = try ModelConfiguration(file)
        let tokenizer = try Tokenizer(file)
        self.tokenizer = tokenizer
        let columns = LogitColumns(tokenizer, first: draftVocabulary)
        let weights = try TransformerWeights(
            file,
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
