package import PacelineTensor

/// The memory that serving a model takes when all its sequences have grown to their limit, predicted from the head of
/// its file.
///
/// What the file itself has in the page cache is not counted: the system drops that when memory runs short.
package struct MemoryDemand: Sendable, Equatable {
    /// Prompt tokens and drafted nodes of the largest pass that buffers are counted for, and how many of these have
    /// logits.
    private static let passRows = 192
    private static let logitRows = 64
    /// The program with its libraries and buffers that no model decides.
    private static let programBytes = 24 << 20
    /// The tokeniser's tables, for each token of the vocabulary.
    private static let tokenBytes = 160

    /// Weights, repacked.
    package var weights: Int
    /// Keys and values.
    package var cache: Int
    /// Activations, logits, tables and the program itself.
    package var buffers: Int
    package var contextLength: Int
    package var sequences: Int
    package var cacheType: KVType

    /// - Parameters:
    ///   - slots: tokens that the pages of all sequences have room for, drafted ones included.
    ///   - contextLength: tokens that each of `sequences` may hold.
    package init(
        _ model: ModelFile,
        slots: Int,
        contextLength: Int,
        sequences: Int,
        cacheType: KVType
    ) {
        let configuration = model.configuration
        let shape = configuration.cacheShape(cacheType)
        weights = Self.weightBytes(model.tensors)
        cache = KVPagePool(shape: shape, slots: slots).bytesWhenFull
        let logits = (Self.logitRows + 2 * sequences) * configuration.vocabularySize * MemoryLayout<Float>.size
        let tables = configuration.vocabularySize * Self.tokenBytes + Self.programBytes
        buffers = PassBuffers.bytes(configuration: configuration, rows: Self.passRows) + logits + tables
        self.contextLength = contextLength
        self.sequences = sequences
        self.cacheType = cacheType
    }

    /// All of it, in bytes.
    package var total: Int { weights.addingClamped(cache).addingClamped(buffers) }

    /// Throws if there is less than that; nil means that nobody knows.
    package func check(available: Int?) throws(MemoryDemandError) {
        guard let available, total > available else { return }
        throw MemoryDemandError(demand: self, available: available)
    }

    /// The embedding table is not among the matrices: it stays in the file unless it is the output head too.
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

/// A model that does not fit into memory as it is to be served.
package struct MemoryDemandError: Error, Equatable, CustomStringConvertible {
    package let demand: MemoryDemand
    package let available: Int

    package var description: String {
        let sequences = demand.sequences == 1 ? "one sequence" : "\(demand.sequences) sequences"
        return
            "serving this model needs \(megabytes(demand.total)) MB of memory "
            + "(weights \(megabytes(demand.weights)), keys "
            + "and values of \(sequences) of \(demand.contextLength) tokens \(megabytes(demand.cache)), buffers "
            + "\(megabytes(demand.buffers))), but \(megabytes(available)) MB are available; \(wayOut)"
    }

    /// What would make it fit.
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
