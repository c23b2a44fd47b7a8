import CPacelineKernels

/// Activations as int8 with one scale per 32, outliers apart: what packed weights of quantised types are multiplied by.
///
/// A buffer that is reused from product to product, so it has reference semantics. One thread owns it at a time.
package final class QuantisedActivations {
    /// Capacity; columns in whole blocks.
    package let rows: Int
    package let columns: Int
    /// Owned; the layout is the kernels' own.
    package let raw: UnsafeMutableRawPointer
    /// Owned: the measures of each row, side by side.
    private let measures: UnsafeMutablePointer<Float>

    package init(rows: Int, columns: Int) {
        precondition(rows > 0 && columns > 0, "at least one row and one column")
        let columns = FloatMatrix.stride(columns: columns)
        self.rows = rows
        self.columns = columns
        raw = .allocate(byteCount: pl_activations_bytes(Int64(columns), Int64(rows)), alignment: 64)
        measures = .allocate(capacity: rows * Self.measures(columns: columns))
    }

    /// Bytes of memory that a buffer needs.
    package static func bytes(rows: Int, columns: Int) -> Int {
        let columns = FloatMatrix.stride(columns: columns)
        return pl_activations_bytes(Int64(columns), Int64(rows))
            + rows * measures(columns: columns) * MemoryLayout<Float>.stride
    }

    private static func measures(columns: Int) -> Int {
        Int(pl_activations_measures(Int64(columns)))
    }

    deinit {
        raw.deallocate()
        measures.deallocate()
    }

    /// Measures a row of `input`, which may be narrower than this buffer: the scales of its blocks depend on all of it.
    func measure(_ input: FloatMatrix, row: Int, isa: InstructionSet) {
        precondition(row < rows && row < input.rows && input.stride <= columns, "more activations than fit")
        let place = measures + row * Self.measures(columns: input.stride)
        pl_activations_measure(isa.raw, input.pointer(row), Int64(input.stride), place)
    }

    /// Quantises a part of the first `count` rows of `input`, which have been measured.
    func quantise(_ input: FloatMatrix, rows: Range<Int>, columns: Range<Int>, of count: Int, isa: InstructionSet) {
        precondition(count <= self.rows && count <= input.rows && input.stride <= self.columns)
        let part = pl_activations_part(
            row_begin: Int64(rows.lowerBound),
            row_end: Int64(rows.upperBound),
            column_begin: Int64(columns.lowerBound),
            column_end: Int64(columns.upperBound)
        )
        let stride = Int64(input.stride)
        pl_activations_quantise_part(isa.raw, input.base, stride, stride, Int64(count), measures, part, raw)
    }

    /// Rows that share cache lines: as many as one thread should write. Fewer rows are shared by columns.
    static let rowsTogether = 16
    /// Columns that one thread takes of few rows; a multiple of a block's. Chosen, not measured.
    static let columnsTogether = 512
    /// Activations from which on sharing pays: what one core has written comes slowly to another. Chosen, not measured.
    static let worthSharing = 16_384
}
