import PacelineTensor

/// Reads a model's weights from its file in the form that the kernels want.
struct WeightReader {
    let file: GGUFFile
    let configuration: ModelConfiguration
    let compute: Compute
    let arena = WeightArena()

    /// A matrix (rows x columns) that stays in the file.
    func tensor(_ name: String, rows: Int, columns: Int) throws -> GGUFTensor {
        try file.tensor(name, dimensions: [columns, rows])
    }

    /// A matrix (rows x columns), repacked. The file's copy may leave memory.
    func matrix(_ name: String, rows: Int, columns: Int) throws -> PackedMatrix {
        try matrix(name, rows: 0..<rows, of: rows, columns: columns)
    }

    /// Some rows of a matrix of `total` rows, repacked: one of several that the file keeps in one tensor.
    func matrix(_ name: String, rows: Range<Int>, of total: Int, columns: Int) throws -> PackedMatrix {
        let tensor = try tensor(name, rows: total, columns: columns)
        let rowBytes = tensor.range.count / total
        let part = rows.lowerBound * rowBytes..<rows.upperBound * rowBytes
        let matrix = try tensor.withBytes { bytes in
            try pack(tensor, rows: rows.count, UnsafeRawBufferPointer(rebasing: bytes[part])) { rows.lowerBound + $0 }
        }
        let start = tensor.range.lowerBound
        tensor.file.advise(.dontNeed, range: start + part.lowerBound..<start + part.upperBound)
        return matrix
    }

    /// The rows of an output head that `columns` asks for, repacked.
    func head(_ name: String, _ columns: LogitColumns) throws -> PackedMatrix {
        let (total, wide) = (configuration.vocabularySize, configuration.embeddingLength)
        guard !columns.others.isEmpty else {
            return try matrix(name, rows: 0..<columns.count, of: total, columns: wide)
        }
        let tensor = try tensor(name, rows: total, columns: wide)
        let rowBytes = tensor.range.count / total
        return try tensor.withBytes { bytes in
            var rows = Array(bytes[..<(columns.prefix * rowBytes)])
            for token in columns.others { rows += bytes[Int(token) * rowBytes..<(Int(token) + 1) * rowBytes] }
            return try rows.withUnsafeBytes { bytes in
                try pack(tensor, rows: columns.count, bytes) { Int(columns.token($0)) }
            }
        }
    }

    /// Repacks rows of `tensor`, as they are in the file.
    ///
    /// - Parameter place: the row of the tensor that a row of `bytes` is.
    private func pack(
        _ tensor: GGUFTensor,
        rows: Int,
        _ bytes: UnsafeRawBufferPointer,
        place: (Int) -> Int
    ) throws -> PackedMatrix {
        let type = try file.weightType(of: tensor)
        if type.usesOpenBLAS { try OpenBLAS.load() }
        do throws(PackedMatrixError) {
            return try PackedMatrix(
                type: type,
                rows: rows,
                columns: tensor.columns,
                packing: bytes,
                pool: compute.pool,
                arena: arena
            )
        } catch {
            guard case .notFinite(let row) = error else { throw error }
            throw file.error(.notFinite(tensor: tensor.name, row: place(row)))
        }
    }

    /// A vector of `count` floats.
    func vector(_ name: String, count: Int) throws -> FloatMatrix {
        let tensor = try file.tensor(name, dimensions: [count])
        let vector = FloatMatrix(rows: 1, columns: count)
        tensor.expandRow(0, into: vector, row: 0)
        guard vector.firstNotFinite(row: 0) == nil else { throw file.error(.notFinite(tensor: name, row: 0)) }
        return vector
    }

    /// The bias of a query, key or value projection, if the model has them.
    func bias(_ name: String, count: Int) throws -> FloatMatrix? {
        configuration.hasQueryKeyValueBias ? try vector(name, count: count) : nil
    }

    /// The norm of each query or key head, if the model has one.
    func headNorm(_ name: String) throws -> FloatMatrix? {
        configuration.hasQueryKeyNorm ? try vector(name, count: configuration.headDimension) : nil
    }

    /// The norm of what a block adds, if the model has one.
    func outerNorm(_ name: String) throws -> FloatMatrix? {
        configuration.architecture.hasOuterNorms ? try vector(name, count: configuration.embeddingLength) : nil
    }

    /// Divisors of the rotation frequencies, linear position scaling included.
    func rotaryFactors(_ rope: RopeConfiguration) throws -> [Float]? {
        if let yarn = rope.yarn { return yarn.divisors(base: rope.base, dimension: rope.dimension) }
        guard let name = rope.factorsTensor else {
            return rope.scale == 1 ? nil : [Float](repeating: rope.scale, count: rope.dimension / 2)
        }
        return try vector(name, count: rope.dimension / 2).row(0).map { $0 * rope.scale }
    }
}

extension GGUFFile {
    /// The weight type of a tensor, if kernels exist for it.
    func weightType(of tensor: GGUFTensor) throws(GGUFError) -> WeightType {
        guard let type = WeightType(rawValue: tensor.type) else {
            throw error(
                .unsupportedWeightType(
                    tensor: tensor.name,
                    type: tensor.typeName,
                    supported: GGUFWeightTypes.supported
                )
            )
        }
        return type
    }
}

extension GGUFTensor {
    /// Expands one row to float32 into a row of `output`.
    func expandRow(_ index: Int, into output: FloatMatrix, row: Int) {
        precondition((0..<rows).contains(index), "row outside the tensor")
        guard let type = WeightType(rawValue: type) else { preconditionFailure("weights of an unknown type") }
        let size = range.count / rows
        withBytes { bytes in
            let start = index * size
            output.expand(row: row, from: UnsafeRawBufferPointer(rebasing: bytes[start..<(start + size)]), type: type)
        }
    }
}
