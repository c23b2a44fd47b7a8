import CPacelineKernels

extension FloatMatrix {
    /// Expands one row of weights in file format into a row of this matrix.
    package func expand(row: Int, from blocks: UnsafeRawBufferPointer, type: WeightType) {
        precondition(blocks.count == type.bytes(for: columns), "as many blocks as the row has weights")
        guard let start = blocks.baseAddress else { return }
        pl_dequantise(type.raw, start, columns, pointer(row))
    }
}
