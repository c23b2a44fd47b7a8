import CPacelineKernels

/// Where each row of a pass keeps its key and value, and what its queries attend to; the same in every layer.
///
/// A row sees the first `base` slots of its sequence and then the slots of `path`, in that logical order.
package final class AttentionBatch {
    private var pageTables: [UnsafeMutablePointer<UnsafeRawPointer?>] = []
    private var paths: [UnsafeMutablePointer<Int32>] = []
    private var pages: [KVPage] = []
    private var rows: [pl_attention_row] = []
    /// Where the key and value of each row go: the base of a page, and a slot in it.
    private var places: [(page: UnsafeMutableRawPointer, slot: Int64)] = []
    private let shape: KVShape
    /// Queries and output in the width that kernels need, where heads are not whole vectors. Kept from layer to layer.
    private var spread: (queries: FloatMatrix, output: FloatMatrix)?

    package init(shape: KVShape) {
        self.shape = shape
    }

    deinit {
        for table in pageTables { table.deallocate() }
        for path in paths { path.deallocate() }
    }

    /// How many rows there are.
    package var count: Int { rows.count }

    /// Adds the pages of a sequence and returns its number for ``addRow(sequence:base:path:page:slot:)``. The pages
    /// live as long as this batch.
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
    ///
    /// - Parameters:
    ///   - page: that of the sequence which takes the row's key and value; nobody else reads or writes the slot.
    ///   - slot: its number within the page.
    package func addRow(sequence: Int, base: Int, path: [Int], page: KVPage, slot: Int) {
        precondition(page.shape == shape && (0..<KVPage.slots).contains(slot))
        places.append((page.base, Int64(slot)))
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

    /// Stores the keys and values of all rows, each (rows x KV heads · head dimension).
    package func store(keys: FloatMatrix, values: FloatMatrix, layer: Int, compute: Compute) {
        let width = shape.heads * shape.headDimension
        precondition(keys.columns == width && values.columns == width)
        let isSpread = shape.headDimension != shape.storedDimension
        func store(_ row: Int) {
            let (key, value) = (keys.pointer(row), values.pointer(row))
            if isSpread {
                storeSpread(key, value, row: row, layer: layer, compute)
            } else {
                pl_kv_store(compute.isa.raw, shape.raw, Int64(layer), places[row].page, places[row].slot, key, value)
            }
        }
        guard rows.count >= Self.storedTogether else { return (0..<rows.count).forEach(store) }
        compute.pool.run(items: rows.count, store)
    }

    /// Rows from which threads share the storing: a row takes about a microsecond, because the numbers of a key go to
    /// as many lines of the cache; waking a thread takes a few. The number itself: not measured.
    private static let storedTogether = 8

    /// The same for one row whose heads are not whole vectors.
    private func storeSpread(
        _ key: UnsafePointer<Float>,
        _ value: UnsafePointer<Float>,
        row: Int,
        layer: Int,
        _ compute: Compute
    ) {
        let wide = shape.heads * shape.storedDimension
        withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * wide) { buffer in
            buffer.initialize(repeating: 0)
            guard let start = buffer.baseAddress else { return }
            shape.spread(shape.heads, from: key, to: start)
            shape.spread(shape.heads, from: value, to: start + wide)
            let place = places[row]
            pl_kv_store(compute.isa.raw, shape.raw, Int64(layer), place.page, place.slot, start, start + wide)
        }
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
        guard shape.headDimension != shape.storedDimension else {
            return attend(layer: layer, queries, output, scale: scale, window: window, compute: compute)
        }
        let heads = queries.columns / shape.headDimension
        let (wideQueries, wideOutput) = spreadRows(heads: heads)
        compute.forEachRow(rows.count, width: queries.columns) { row in
            shape.spread(heads, from: queries.pointer(row), to: wideQueries.pointer(row))
        }
        attend(layer: layer, wideQueries, wideOutput, scale: scale, window: window, compute: compute)
        compute.forEachRow(rows.count, width: output.columns) { row in
            shape.gather(heads, from: wideOutput.pointer(row), to: output.pointer(row))
        }
    }

    /// Bytes that a pass over `rows` rows of `heads` query heads needs besides queries and output.
    package static func bytes(shape: KVShape, heads: Int, rows: Int) -> Int {
        guard shape.headDimension != shape.storedDimension else { return 0 }
        return 2 * FloatMatrix.bytes(rows: rows, columns: heads * shape.storedDimension)
    }

    private func spreadRows(heads: Int) -> (FloatMatrix, FloatMatrix) {
        if let spread, spread.queries.rows >= rows.count { return spread }
        let columns = heads * shape.storedDimension
        let matrices = (
            queries: FloatMatrix(rows: max(1, rows.count), columns: columns),
            output: FloatMatrix(rows: max(1, rows.count), columns: columns)
        )
        spread = matrices
        return matrices
    }

    private func attend(
        layer: Int,
        _ queries: FloatMatrix,
        _ output: FloatMatrix,
        scale: Float,
        window: Int,
        compute: Compute
    ) {
        pl_attention(
            compute.isa.raw,
            compute.pool.raw,
            shape.raw,
            Int64(layer),
            Int64(queries.columns / shape.storedDimension),
            scale,
            Int64(window),
            rows,
            Int64(rows.count),
            queries.base,
            Int64(queries.stride),
            output.base,
            Int64(output.stride)
        )
    }
}

extension KVShape {
    /// Copies heads that lie side by side to where the kernels expect them. What lies between those stays.
    func spread(_ heads: Int, from narrow: UnsafePointer<Float>, to wide: UnsafeMutablePointer<Float>) {
        for head in 0..<heads {
            (wide + head * storedDimension).update(from: narrow + head * headDimension, count: headDimension)
        }
    }

    /// The inverse of ``spread(_:from:to:)``.
    func gather(_ heads: Int, from wide: UnsafePointer<Float>, to narrow: UnsafeMutablePointer<Float>) {
        for head in 0..<heads {
            (narrow + head * headDimension).update(from: wide + head * storedDimension, count: headDimension)
        }
    }
}
