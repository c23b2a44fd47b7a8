package import PacelineTensor

/// The memory for serving a model with all sequences at their longest, predicted from the header of its file.
///
/// Excludes the file's pages in the page cache, which the system drops when memory runs short.
package struct MemoryDemand: Sendable, Equatable {
    /// Rows of the largest pass that the prediction covers: prompt tokens and drafted nodes.
    private static let passRows = 192
    /// Rows of that pass that have logits, besides those of scored prompts.
    private static let logitRows = 64
    /// Bytes of the program, its libraries and the buffers that do not depend on the model.
    private static let programBytes = 24 << 20
    /// Bytes of the tokenizer's tables per token of the vocabulary.
    private static let tokenBytes = 160

    /// Bytes of the repacked weights.
    package var weights: Int
    /// Bytes of keys and values.
    package var cache: Int
    /// Bytes of activations, logits, tables and the program itself.
    package var buffers: Int
    package var contextLength: Int
    package var sequences: Int
    package var cacheType: KVType

    /// - Parameters:
    ///   - slots: the number of tokens that fit in the pages of all sequences, drafted ones included.
    ///   - contextLength: the number of tokens that each of `sequences` may hold.
    ///   - scoredRows: tokens of prompts in a pass that have logits.
    package init(
        _ model: ModelFile,
        slots: Int,
        contextLength: Int,
        sequences: Int,
        cacheType: KVType,
        scoredRows: Int = 0
    ) {
        let configuration = model.configuration
        let shape = configuration.cacheShape(cacheType)
        weights = Self.weightBytes(model.tensors)
        cache = KVPagePool(shape: shape, slots: slots).bytesWhenFull
        // Each sequence has two rows to sample with, and one to score with.
        let logitRows = Self.logitRows + scoredRows + 3 * sequences
        let logits = logitRows * configuration.vocabularySize * MemoryLayout<Float>.size
        let tables = configuration.vocabularySize * Self.tokenBytes + Self.programBytes
        buffers = PassBuffers.bytes(configuration: configuration, rows: Self.passRows) + logits + tables
        self.contextLength = contextLength
        self.sequences = sequences
        self.cacheType = cacheType
    }

    /// The sum, in bytes.
    package var total: Int { weights.addingClamped(cache).addingClamped(buffers) }

    /// Throws if fewer than `total` bytes are available. Accepts nil, for an unknown amount.
    package func check(available: Int?) throws(MemoryDemandError) {
        guard let available, total > available else { return }
        throw MemoryDemandError(demand: self, available: available)
    }

    /// The matrices exclude the embedding table, which stays in the file unless it is also the output head.
    private static func weightBytes(_ tensors: ModelTensors) -> Int {
        let matrices = tensors.matrices.reduce(0) { sum, matrix in
            guard let type = WeightType(rawValue: matrix.tensor.type) else { return sum }
            let bytes = PackedMatrix.bytes(type: type, rows: matrix.range.count, columns: matrix.tensor.columns)
            return sum.addingClamped(bytes)
        }
        return tensors.vectors.reduce(matrices) { sum, vector in
            sum.addingClamped(vector.range.count.multipliedClamped(by: MemoryLayout<Float>.size))
        }
    }
}

/// The model does not fit in memory with the requested settings.
package struct MemoryDemandError: Error, Equatable, CustomStringConvertible {
    package let demand: MemoryDemand
    package let available: Int

    package var description: String {
        let sequences = demand.sequences == 1 ? "one sequence" : "\(demand.sequences) sequences"
        return
            "serving this model needs \(megabytes(demand.total)) MB of memory "
            + "(weights \(megabytes(demand.weights)), keys "
            + "and values of \(sequences) of \(demand.contextLength) tokens \(megabytes(demand.cache)), buffers "
            + "\(megabytes(demand.buffers))), but only \(megabytes(available)) MB are available; \(wayOut)"
    }

    /// Advice on how to make it fit.
    private var wayOut: String {
        guard demand.weights.addingClamped(demand.buffers) < available else {
            return "free some memory, or use a smaller model or a stronger quantisation"
        }
        let type = demand.cacheType == .f16 ? ", --kv-type int8" : ""
        let slots = demand.sequences > 1 ? ", fewer -np" : ""
        return "use a smaller --context\(slots)\(type), or a smaller model"
    }

    private func megabytes(_ bytes: Int) -> Int { bytes / 1_000_000 + (bytes % 1_000_000 == 0 ? 0 : 1) }
}
