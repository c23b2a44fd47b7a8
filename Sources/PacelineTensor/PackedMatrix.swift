package import CPacelineKernels

/// A weight matrix (rows = outputs x columns = inputs), repacked so that a lane of a vector owns an output row.
///
/// Immutable once made, and as large as the weights in the file.
package final class PackedMatrix: Sendable {
    package let type: WeightType
    package let rows: Int
    package let columns: Int
    /// Bytes of memory that the weights take.
    package let byteCount: Int
    /// Owned. It points to the tiles, which lie in the region.
    package nonisolated(unsafe) let raw: UnsafePointer<pl_matrix>
    private let region: WeightRegion

    /// Repacks `blocks`, the matrix in file format, on all threads of `pool`.
    ///
    /// - Parameter arena: where the weights go; nil for memory of their own.
    /// - Throws: ``PackedMatrixError`` if the shape does not fit the type, `blocks` has another size, or there is too
    ///   little memory.
    package init(
        type: WeightType,
        rows: Int,
        columns: Int,
        packing blocks: UnsafeRawBufferPointer,
        pool: ThreadPool,
        arena: WeightArena? = nil
    ) throws(PackedMatrixError) {
        let expected = try Self.checkedByteCount(type: type, rows: rows, columns: columns)
        guard blocks.count == expected, let source = blocks.baseAddress else {
            throw .size(expected: expected, found: blocks.count)
        }
        let bytes = Self.bytes(type: type, rows: rows, columns: columns)
        guard let memory = (arena ?? WeightArena(regionBytes: bytes)).allocate(bytes) else {
            throw .outOfMemory(bytes: bytes)
        }
        let matrix = UnsafeMutablePointer<pl_matrix>.allocate(capacity: 1)
        matrix.initialize(to: pl_matrix(type: type.raw, rows: Int64(rows), cols: Int64(columns), data: memory.data))
        self.type = type
        self.rows = rows
        self.columns = columns
        byteCount = bytes
        region = memory.region
        raw = UnsafePointer(matrix)
        pack(source, pool: pool)
    }

    deinit {
        raw.deallocate()
    }

    /// Bytes of memory that a matrix takes.
    package static func bytes(type: WeightType, rows: Int, columns: Int) -> Int {
        pl_matrix_bytes(type.raw, Int64(rows), Int64(columns))
    }

    private func pack(_ source: UnsafeRawPointer, pool: ThreadPool) {
        let tiles = (rows + PL_TILE_ROWS - 1) / PL_TILE_ROWS
        // A few items per thread: enough to even them out, few enough that each writes a long run.
        let share = max(1, tiles / (4 * pool.threads))
        pool.run(items: (tiles + share - 1) / share) { item in
            pl_matrix_pack(raw, source, Int64(item * share), Int64(min(tiles, (item + 1) * share)))
        }
    }

    /// Bytes of the matrix in a file, or why there is no such matrix.
    private static func checkedByteCount(
        type: WeightType,
        rows: Int,
        columns: Int
    ) throws(PackedMatrixError) -> Int {
        let (weights, overflow) = rows.multipliedReportingOverflow(by: columns)
        let whole = columns.isMultiple(of: 32) && columns.isMultiple(of: type.blockLength)
        guard rows > 0, columns > 0, !overflow, weights <= Int.max / 8, whole else {
            throw .shape(type: type, rows: rows, columns: columns)
        }
        return type.bytes(for: weights)
    }
}

/// Why a weight matrix cannot be repacked.
package enum PackedMatrixError: Error, CustomStringConvertible, Equatable {
    case shape(type: WeightType, rows: Int, columns: Int)
    case size(expected: Int, found: Int)
    case outOfMemory(bytes: Int)

    package var description: String {
        switch self {
        case .shape(let type, let rows, let columns):
            "a \(type.name) matrix of \(rows) rows and \(columns) columns cannot be multiplied: "
                + "columns must come in whole blocks of \(max(32, type.blockLength))"
        case .size(let expected, let found):
            "a weight matrix has \(found) bytes instead of \(expected)"
        case .outOfMemory(let bytes):
            "there is no memory for \(bytes) bytes of weights; use a smaller model or a stronger quantisation"
        }
    }
}
