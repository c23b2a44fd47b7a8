import CPacelineKernels

/// Activations as int8 with one scale per 32: what packed weights of quantised types are multiplied by.
///
/// A buffer that is reused from product to product, so it has reference semantics. One thread owns it at a time.
package final class QuantisedActivations {
    /// The most rows and columns it holds.
    package let rows: Int
    package let columns: Int
    /// Owned; the layout is the kernels' own.
    package let raw: UnsafeMutableRawPointer

    package init(rows: Int, columns: Int) {
        precondition(rows > 0 && columns > 0 && columns.isMultiple(of: 32), "whole blocks of 32 columns")
        self.rows = rows
        self.columns = columns
        raw = .allocate(byteCount: Self.bytes(rows: rows, columns: columns), alignment: 64)
    }

    /// Bytes of memory that a buffer takes.
    package static func bytes(rows: Int, columns: Int) -> Int {
        pl_activations_bytes(Int64(columns), Int64(rows))
    }

    deinit {
        raw.deallocate()
    }

    /// Quantises the first `rows` rows of `input`, which may be narrower than this buffer, on all threads if there is
    /// enough to share. A row's bits depend on that row alone.
    ///
    /// - Parameter prepare: computes a row of `input` before it is quantised, on the same thread.
    package func quantise(
        _ input: FloatMatrix,
        rows count: Int,
        compute: Compute,
        preparing prepare: (_ row: Int) -> Void = { _ in }
    ) {
        precondition(count <= rows && count <= input.rows && input.columns <= columns, "more activations than fit")
        precondition(input.columns.isMultiple(of: 32), "whole blocks of 32 columns")
        let share = count * input.columns < Self.worthSharing ? max(1, count) : 1
        compute.pool.run(items: (count + share - 1) / share) { item in
            let rows = item * share..<min(count, (item + 1) * share)
            rows.forEach(prepare)
            pl_activations_quantise_rows(
                compute.isa.raw,
                input.base,
                Int64(input.columns),
                Int64(input.columns),
                Int64(count),
                Int64(rows.lowerBound),
                Int64(rows.upperBound),
                raw
            )
        }
    }

    /// Activations from which on sharing pays: what one core has written comes slowly to another.
    private static let worthSharing = 65_536
}
