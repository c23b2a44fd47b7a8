import CPacelineKernels

/// Activations as int8 with one scale per 32, outliers apart: what packed weights of quantised types are multiplied by.
///
/// A buffer that is reused from product to product, so it has reference semantics. One thread owns it at a time.
package final class QuantisedActivations {
    /// The most rows and columns it holds; columns in whole blocks.
    package let rows: Int
    package let columns: Int
    /// Owned; the layout is the kernels' own.
    package let raw: UnsafeMutableRawPointer
    /// Owned: what is measured of each row.
    private let measures: UnsafeMutablePointer<Float>

    package init(rows: Int, columns: Int) {
        precondition(rows > 0 && columns > 0, "at least one row and one column")
        let columns = FloatMatrix.stride(columns: columns)
        self.rows = rows
        self.columns = columns
        raw = .allocate(byteCount: pl_activations_bytes(Int64(columns), Int64(rows)), alignment: 64)
        measures = .allocate(capacity: rows * Self.measures(columns: columns))
    }

    /// Bytes of memory that a buffer takes.
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

    /// Quantises the first `rows` rows of `input`, which may be narrower than this buffer, on all threads if there is
    /// enough to share. A row's bits depend on that row alone.
    ///
    /// - Parameter prepare: computes a row of `input` before it is measured, on the thread that measures it. All
    ///   threads may read the row after that.
    package func quantise(
        _ input: FloatMatrix,
        rows count: Int,
        compute: Compute,
        preparing prepare: (_ row: Int) -> Void = { _ in }
    ) {
        precondition(count <= rows && count <= input.rows && input.stride <= columns, "more activations than fit")
        if count >= Self.rowsTogether * compute.pool.threads {
            compute.pool.run(items: (count + Self.rowsTogether - 1) / Self.rowsTogether) { item in
                let rows = item * Self.rowsTogether..<min(count, (item + 1) * Self.rowsTogether)
                rows.forEach { measure(input, row: $0, isa: compute.isa, preparing: prepare) }
                quantise(input, rows: rows, columns: 0..<input.stride, of: count, isa: compute.isa)
            }
            return
        }
        let share = count * input.stride < Self.worthSharing ? input.stride : Self.columnsTogether
        compute.pool.run(items: share < input.stride ? count : 1) { item in
            let rows = share < input.stride ? item..<item + 1 : 0..<count
            rows.forEach { measure(input, row: $0, isa: compute.isa, preparing: prepare) }
        }
        compute.pool.run(items: (input.stride + share - 1) / share) { item in
            let columns = item * share..<min(input.stride, (item + 1) * share)
            quantise(input, rows: 0..<count, columns: columns, of: count, isa: compute.isa)
        }
    }

    private func measure(
        _ input: FloatMatrix,
        row: Int,
        isa: InstructionSet,
        preparing prepare: (_ row: Int) -> Void
    ) {
        prepare(row)
        let place = measures + row * Self.measures(columns: input.stride)
        pl_activations_measure(isa.raw, input.base + row * input.stride, Int64(input.stride), place)
    }

    private func quantise(
        _ input: FloatMatrix,
        rows: Range<Int>,
        columns: Range<Int>,
        of count: Int,
        isa: InstructionSet
    ) {
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
    private static let rowsTogether = 16
    /// A multiple of a block's columns.
    private static let columnsTogether = 512
    /// Activations from which on sharing pays: what one core has written comes slowly to another.
    private static let worthSharing = 16_384
}
