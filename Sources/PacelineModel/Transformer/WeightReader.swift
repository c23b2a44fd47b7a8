import PacelineTensor

/// Reads a model's weights from its file and converts them for the kernels.
struct WeightReader {
    let file: GGUFFile
    let compute: Compute
    let arena = WeightArena()

    /// Repacks a matrix. The kernel may then drop its pages of the file from memory.
    func matrix(_ tensor: GGUFTensor) throws -> PackedMatrix {
        try matrix(TensorSlice(matrix: tensor))
    }

    /// Repacks some rows of a matrix, such as one of several projections in one tensor.
    func matrix(_ slice: TensorSlice) throws -> PackedMatrix {
        let tensor = slice.tensor
        let part = bytes(of: slice)
        let matrix = try tensor.withBytes { bytes in
            try pack(tensor, rows: slice.range.count, UnsafeRawBufferPointer(rebasing: bytes[part])) {
                slice.range.lowerBound + $0
            }
        }
        dropPages(of: tensor, part)
        return matrix
    }

    /// Repacks the rows of an output head that have a column in `columns`.
    func head(_ tensor: GGUFTensor, _ columns: LogitColumns) throws -> PackedMatrix {
        guard !columns.others.isEmpty else { return try matrix(TensorSlice(tensor, 0..<columns.count)) }
        let rowBytes = tensor.range.count / tensor.rows
        return try tensor.withBytes { bytes in
            var rows = Array(bytes[..<(columns.prefix * rowBytes)])
            for token in columns.others { rows += bytes[Int(token) * rowBytes..<(Int(token) + 1) * rowBytes] }
            return try rows.withUnsafeBytes { bytes in
                try pack(tensor, rows: columns.count, bytes) { Int(columns.token($0)) }
            }
        }
    }

    /// The values of an output head's bias that have a column in `columns`.
    func headBias(_ tensor: GGUFTensor, _ columns: LogitColumns) throws(GGUFError) -> FloatMatrix {
        let all = try vector(tensor).row(0)
        return FloatMatrix((0..<columns.count).map { all[Int(columns.token($0))] })
    }

    /// Repacks rows of `tensor`.
    ///
    /// - Parameters:
    ///   - bytes: the rows, as stored in the file.
    ///   - place: maps a row of `bytes` to its row in the tensor, for errors.
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

    /// Throws the same error as repacking for a weight that is not finite. The kernel may then drop the rows' pages of
    /// the file from memory.
    func check(_ slice: TensorSlice) throws {
        let tensor = slice.tensor
        let type = try file.weightType(of: tensor)
        let part = bytes(of: slice)
        let row = try tensor.withBytes { bytes in
            try PackedMatrix.firstNotFinite(
                type: type,
                rows: slice.range.count,
                columns: tensor.columns,
                in: UnsafeRawBufferPointer(rebasing: bytes[part]),
                pool: compute.pool
            )
        }
        dropPages(of: tensor, part)
        if let row { throw file.error(.notFinite(tensor: tensor.name, row: slice.range.lowerBound + row)) }
    }

    /// The byte range of the rows of a matrix in its tensor.
    private func bytes(of slice: TensorSlice) -> Range<Int> {
        let rowBytes = slice.tensor.range.count / slice.tensor.rows
        return slice.range.lowerBound * rowBytes..<slice.range.upperBound * rowBytes
    }

    private func dropPages(of tensor: GGUFTensor, _ part: Range<Int>) {
        let start = tensor.range.lowerBound
        tensor.file.dropPages(in: start + part.lowerBound..<start + part.upperBound)
    }

    /// Converts a vector to float32.
    func vector(_ tensor: GGUFTensor) throws(GGUFError) -> FloatMatrix {
        let vector = FloatMatrix(rows: 1, columns: tensor.elementCount)
        tensor.expandRow(0, into: vector, row: 0)
        guard vector.firstNotFinite(row: 0) == nil else { throw file.error(.notFinite(tensor: tensor.name, row: 0)) }
        return vector
    }

    /// Converts some elements of a vector to float32, such as one of several biases in one tensor.
    func vector(_ slice: TensorSlice) throws(GGUFError) -> FloatMatrix {
        let all = try vector(slice.tensor)
        guard slice.range.count < all.columns else { return all }
        return FloatMatrix(Array(all.row(0)[slice.range]))
    }

    /// Divisors of the rotation frequencies, including linear position scaling; nil if there are none.
    func rotaryFactors(_ rope: RopeConfiguration, _ factors: GGUFTensor?) throws(GGUFError) -> [Float]? {
        if let yarn = rope.yarn { return yarn.divisors(base: rope.base, dimension: rope.dimension) }
        guard let factors else {
            return rope.scale == 1 ? nil : [Float](repeating: rope.scale, count: rope.dimension / 2)
        }
        return try vector(factors).row(0).map { $0 * rope.scale }
    }
}

extension GGUFFile {
    /// The weight type of a tensor. Throws if no kernels exist for it.
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
    /// Expands one row to float32 and writes it to a row of `output`.
    func expandRow(_ index: Int, into output: FloatMatrix, row: Int) {
        precondition((0..<rows).contains(index), "the row is outside the tensor")
        guard let type = WeightType(rawValue: type) else { preconditionFailure("the weight type is unknown") }
        let size = range.count / rows
        withBytes { bytes in
            let start = index * size
            output.expand(row: row, from: UnsafeRawBufferPointer(rebasing: bytes[start..<(start + size)]), type: type)
        }
    }
}
