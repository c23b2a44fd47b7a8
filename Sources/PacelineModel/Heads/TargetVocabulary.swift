import PacelineSpeculation
package import PacelineTensor
package import PacelineTraining

/// What a head takes from its target: the embeddings of all tokens, and the rows of the output matrix for those that it
/// drafts. Where a target's file ties the two, both are rows of one tensor.
package struct TargetVocabulary {
    private enum Embedding {
        case tensor(GGUFTensor)
        case matrix(FloatMatrix)
    }

    package let tokens: DraftVocabulary
    package let width: Int
    /// draft tokens × width.
    private(set) var output: PackedMatrix
    private let embedding: Embedding

    /// The parts of a model's file, in the file's own weight types.
    ///
    /// - Throws: ``GGUFError`` for a weight that is not finite, ``PackedMatrixError`` if memory is short.
    package init(_ model: ModelFile, tokens: DraftVocabulary, compute: Compute) throws {
        precondition(tokens.targetCount <= model.tensors.embedding.rows, "the tokens are another target's")
        self.tokens = tokens
        width = model.configuration.embeddingLength
        embedding = .tensor(model.tensors.embedding)
        let columns = LogitColumns(tokens.targetTokens.map(Token.init))
        output = try WeightReader(file: model.file, compute: compute).head(model.tensors.output, columns)
    }

    /// - Parameters:
    ///   - embedding: all tokens × width.
    ///   - output: draft tokens × width.
    package init(
        embedding: Matrix<Float>,
        output: Matrix<Float>,
        tokens: DraftVocabulary,
        compute: Compute
    ) throws(PackedMatrixError) {
        precondition(embedding.rows == tokens.targetCount && output.rows == tokens.count)
        precondition(embedding.columns == output.columns)
        (self.tokens, width) = (tokens, embedding.columns)
        let rows = FloatMatrix(rows: embedding.rows, columns: embedding.columns)
        for row in 0..<embedding.rows {
            rows.setRow(row, to: embedding.values[row * width..<(row + 1) * width])
        }
        self.embedding = .matrix(rows)
        self.output = try PackedMatrix(output.values[...], rows: output.rows, type: .f32, compute: compute)
    }

    /// The same with an output matrix that a head brings: draft tokens × width.
    func replacingOutput(_ matrix: PackedMatrix) -> TargetVocabulary {
        precondition(matrix.rows == tokens.count && matrix.columns == width)
        var copy = self
        copy.output = matrix
        return copy
    }

    /// Writes the embedding of a token of the target to a row.
    func embed(_ token: Token, into matrix: FloatMatrix, row: Int) {
        switch embedding {
        case .tensor(let tensor): tensor.expandRow(Int(token), into: matrix, row: row)
        case .matrix(let rows): matrix.copyRow(row, from: rows, row: Int(token))
        }
    }
}

extension PackedMatrix {
    /// Packs float32 weights, rows × columns.
    ///
    /// - Parameter type: `.q8_0` where the columns are whole blocks, else `.f32`.
    convenience init(
        _ weights: ArraySlice<Float>,
        rows: Int,
        type: WeightType,
        compute: Compute
    ) throws(PackedMatrixError) {
        let columns = weights.count / rows
        let isWhole = columns.isMultiple(of: type.blockLength)
        let bytes = type == .q8_0 && isWhole ? weights.blocksOfEight : weights.withUnsafeBytes { Array($0) }
        try self.init(packing: bytes, rows: rows, columns: columns, type: isWhole ? type : .f32, compute: compute)
    }

    private convenience init(
        packing bytes: [UInt8],
        rows: Int,
        columns: Int,
        type: WeightType,
        compute: Compute
    ) throws(PackedMatrixError) {
        // Not a closure that throws: it would lose the error's type.
        let start = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 64)
        defer { start.deallocate() }
        start.copyBytes(from: bytes)
        try self.init(
            type: type,
            rows: rows,
            columns: columns,
            packing: UnsafeRawBufferPointer(start),
            pool: compute.pool
        )
    }
}

extension ArraySlice<Float> {
    /// The numbers in Q8_0: for each 32 the largest magnitude / 127 as float16, and 32 integers of 8 bits.
    fileprivate var blocksOfEight: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count / 32 * 34)
        for start in stride(from: startIndex, to: endIndex, by: 32) {
            let block = self[start..<start + 32]
            let largest = block.reduce(0) { Swift.max($0, $1.magnitude) }
            let scale = Float(Float16(largest / 127))
            Swift.withUnsafeBytes(of: Float16(scale).bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
            for number in block {
                let rounded = scale > 0 ? (number / scale).rounded(.toNearestOrAwayFromZero) : 0
                bytes.append(UInt8(bitPattern: Int8(Swift.max(-127, Swift.min(127, rounded)))))
            }
        }
        return bytes
    }
}
