import CPacelineKernels

/// A row-major matrix of float32 that the kernels work on: `rows` x `columns`, 64-byte aligned, zero at first.
///
/// Products multiply whole blocks of columns, so each row is padded to whole blocks. The padding stays zero.
///
/// A buffer that is reused from pass to pass, so it has reference semantics. One thread owns it at a time.
package final class FloatMatrix {
    package let rows: Int
    package let columns: Int
    /// Floats from the start of a row to that of the next.
    let stride: Int
    let base: UnsafeMutablePointer<Float>

    package init(rows: Int, columns: Int) {
        precondition(rows > 0 && columns > 0, "a matrix has at least one row and one column")
        self.rows = rows
        self.columns = columns
        stride = Self.stride(columns: columns)
        let bytes = Self.bytes(rows: rows, columns: columns)
        let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
        memory.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
        base = memory.bindMemory(to: Float.self, capacity: rows * stride)
    }

    /// Bytes of memory that a matrix needs.
    package static func bytes(rows: Int, columns: Int) -> Int {
        rows * stride(columns: columns) * MemoryLayout<Float>.stride
    }

    /// `columns`, rounded up to whole blocks.
    static func stride(columns: Int) -> Int {
        (columns + blockColumns - 1) / blockColumns * blockColumns
    }

    private static let blockColumns = 32

    /// One row holding `values`.
    package convenience init(_ values: [Float]) {
        self.init(rows: 1, columns: values.count)
        for (index, value) in values.enumerated() { base[index] = value }
    }

    deinit {
        UnsafeMutableRawPointer(base).deallocate()
    }

    package subscript(row: Int, column: Int) -> Float {
        get {
            precondition((0..<rows).contains(row) && (0..<columns).contains(column), "element outside the matrix")
            return base[row * stride + column]
        }
        set {
            precondition((0..<rows).contains(row) && (0..<columns).contains(column), "element outside the matrix")
            base[row * stride + column] = newValue
        }
    }

    /// A copy of one row.
    package func row(_ index: Int) -> [Float] {
        withRow(index) { row in row.withUnsafeBufferPointer { Array($0) } }
    }

    /// Sets one row to `values`, as many as there are columns.
    package func setRow(_ index: Int, to values: ArraySlice<Float>) {
        precondition(values.count == columns, "rows of different length")
        values.withUnsafeBufferPointer { values in
            guard let start = values.baseAddress else { return }
            pointer(index).update(from: start, count: columns)
        }
    }

    /// The first column of a row whose value is not a finite number; nil if all are.
    package func firstNotFinite(row: Int) -> Int? {
        let column = Int(pl_first_not_finite(pointer(row), Int64(columns)))
        return column < columns ? column : nil
    }

    /// Reads one row in place.
    package func withRow<Result>(_ index: Int, _ body: (Span<Float>) throws -> Result) rethrows -> Result {
        let start = pointer(index)
        return try body(UnsafeBufferPointer(start: start, count: columns).span)
    }

    /// Copies a row of `other`, which has the same number of columns.
    package func copyRow(_ index: Int, from other: FloatMatrix, row: Int) {
        precondition(other.columns == columns, "rows of different length")
        copyRow(index, at: 0, from: other, row: row)
    }

    /// Copies a row of `other` to the columns from one on.
    package func copyRow(_ index: Int, at column: Int, from other: FloatMatrix, row: Int) {
        precondition(column >= 0 && column + other.columns <= columns, "a row that does not fit")
        (pointer(index) + column).update(from: other.pointer(row), count: other.columns)
    }

    /// Expands one row of weights in file format into a row of this matrix.
    package func expand(row: Int, from blocks: UnsafeRawBufferPointer, type: WeightType) {
        precondition(blocks.count == type.bytes(for: columns), "a row has as many blocks as its weights need")
        guard let start = blocks.baseAddress else { return }
        pl_dequantise(type.raw, start, columns, pointer(row))
    }

    func pointer(_ row: Int) -> UnsafeMutablePointer<Float> {
        precondition((0..<rows).contains(row), "row outside the matrix")
        return base + row * stride
    }
}
