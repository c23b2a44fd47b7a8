import CPacelineKernels

/// What each query row of a pass attends to, the same in every layer.
///
/// A row sees the first `base` slots of its sequence and then the slots of `path`, in that logical order.
package final class AttentionBatch {
    private var pageTables: [UnsafeMutablePointer<UnsafeRawPointer?>] = []
    private var paths: [UnsafeMutablePointer<Int32>] = []
    private var pages: [KVPage] = []
    private var rows: [pl_attention_row] = []
    private let shape: KVShape

    package init(shape: KVShape) {
        self.shape = shape
    }

    deinit {
        for table in pageTables { table.deallocate() }
        for path in paths { path.deallocate() }
    }

    /// How many rows there are.
    package var count: Int { rows.count }

    /// Adds the pages of a sequence and returns its number for ``addRow(sequence:base:path:)``. The pages live as long as this batch.
    package func addSequence(pages sequencePages: [KVPage]) -> Int {
        let table = UnsafeMutablePointer<UnsafeRawPointer?>.allocate(capacity: max(1, sequencePages.count))
        for (index, page) in sequencePages.enumerated() {
            precondition(page.shape == shape)
            (table + index).initialize(to: UnsafeRawPointer(page.base))
        }
        pages.append(contentsOf: sequencePages)
        pageTables.append(table)
        return pageTables.count - 1
    }

    /// Adds the next row. `base` slots and those of `path` must lie in the sequence's pages.
    package func addRow(sequence: Int, base: Int, path: [Int]) {
        let slots = UnsafeMutablePointer<Int32>.allocate(capacity: max(1, path.count))
        for (index, slot) in path.enumerated() { slots[index] = Int32(slot) }
        paths.append(slots)
        rows.append(
            pl_attention_row(
                pages: UnsafePointer(pageTables[sequence]),
                base: Int64(base),
                path: slots,
                path_count: Int64(path.count)
            )
        )
    }

    /// Attention in `layer`: output (rows x heads · head dimension) from `queries` of the same shape.
    package func run(
        layer: Int,
        queries: FloatMatrix,
        output: FloatMatrix,
        scale: Float,
        window: Int,
        compute: Compute
    ) {
        precondition(queries.columns == output.columns && queries.columns.isMultiple(of: shape.headDimension))
        precondition(rows.count <= queries.rows && rows.count <= output.rows)
        pl_attention(
            compute.isa.raw,
            compute.pool.raw,
            shape.raw,
            Int64(layer),
            Int64(queries.columns / shape.headDimension),
            scale,
            Int64(window),
            rows,
            Int64(rows.count),
            queries.base,
            Int64(queries.columns),
            output.base,
            Int64(output.columns)
        )
    }
}

extension Compute {
    /// Stores the key and value of `row` in `slot` of a page.
    package func store(keys: FloatMatrix, values: FloatMatrix, row: Int, layer: Int, page: KVPage, slot: Int) {
        let width = page.shape.heads * page.shape.headDimension
        precondition(keys.columns == width && values.columns == width && (0..<KVPage.slots).contains(slot))
        pl_kv_store(
            isa.raw,
            page.shape.raw,
            Int64(layer),
            page.base,
            Int64(slot),
            keys.pointer(row),
            values.pointer(row)
        )
    }
}
