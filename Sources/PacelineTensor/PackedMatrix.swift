package import CPacelineKernels

/// A weight matrix (rows = outputs x columns = inputs), repacked so that a lane of a vector owns an output row.
///
/// Immutable once made, and as large as the weights in the file. Rows of plain floats are padded with zeros to whole
/// blocks of 32 columns; rows of quantised types are whole blocks in any file.
package final class PackedMatrix: Sendable {
    package let type: WeightType
    package let rows: Int
    package let columns: Int
    /// Bytes of memory that the weights take.
    package let byteCount: Int
    /// Owned. It points to the tiles, which are in the region.
    package nonisolated(unsafe) let raw: UnsafePointer<pl_matrix>
    private let region: WeightRegion

    /// Repacks `blocks`, the matrix in file format, on all threads of `pool`.
    ///
    /// - Parameter arena: where the weights go; nil for memory of their own.
    /// - Throws: ``PackedMatrixError`` if the shape does not fit the type, `blocks` has the wrong size or a non-finite
    ///   weight, or memory is short.
    package init(
        type: WeightType,
        rows: Int,
        columns: Int,
        packing blocks: UnsafeRawBufferPointer,
        pool: ThreadPool,
        arena: WeightArena? = nil
    ) throws(PackedMatrixError) {
        let expected = try Self.checkedByteCount(type: type, rows: rows, columns: columns)
        guard blocks.count == expected, blocks.baseAddress != nil else {
            throw .size(expected: expected, found: blocks.count)
        }
        let bytes = Self.bytes(type: type, rows: rows, columns: columns)
        guard let memory = (arena ?? WeightArena(regionBytes: bytes)).allocate(bytes) else {
            throw .outOfMemory(bytes: bytes)
        }
        let wide = FloatMatrix.stride(columns: columns)
        let matrix = UnsafeMutablePointer<pl_matrix>.allocate(capacity: 1)
        matrix.initialize(to: pl_matrix(type: type.raw, rows: Int64(rows), cols: Int64(wide), data: memory.data))
        self.type = type
        self.rows = rows
        self.columns = columns
        byteCount = bytes
        region = memory.region
        raw = UnsafePointer(matrix)
        let notFinite =
            wide == columns
            ? pack(blocks, pool: pool)
            : Self.padded(blocks, rows: rows, rowBytes: type.bytes(for: wide)).withUnsafeBytes { pack($0, pool: pool) }
        if let notFinite { throw .notFinite(row: notFinite) }
    }

    deinit {
        raw.deallocate()
    }

    /// Bytes of memory that a matrix needs.
    package static func bytes(type: WeightType, rows: Int, columns: Int) -> Int {
        pl_matrix_bytes(type.raw, Int64(rows), Int64(FloatMatrix.stride(columns: columns)))
    }

    /// The rows of `blocks`, each padded with zeros to `rowBytes`.
    private static func padded(_ blocks: UnsafeRawBufferPointer, rows: Int, rowBytes: Int) -> [UInt8] {
        let narrow = blocks.count / rows
        var result = [UInt8](repeating: 0, count: rows * rowBytes)
        for row in 0..<rows {
            result.replaceSubrange(
                row * rowBytes..<row * rowBytes + narrow,
                with: blocks[row * narrow..<(row + 1) * narrow]
            )
        }
        return result
    }

    /// Repacks all rows.
    ///
    /// - Returns: the first row with a weight that is not finite, found while the row is in the caches.
    private func pack(_ blocks: UnsafeRawBufferPointer, pool: ThreadPool) -> Int? {
        let tileRows = Int(PL_TILE_ROWS)
        let tiles = (rows + tileRows - 1) / tileRows
        // A few items per thread: enough for all threads to finish together, few enough that each writes a long run.
        let share = max(1, tiles / (4 * pool.threads))
        var firstNotFinite = [Int](repeating: rows, count: (tiles + share - 1) / share)
        firstNotFinite.withUnsafeMutableBufferPointer { found in
            nonisolated(unsafe) let found = found
            pool.run(items: found.count) { item in
                for tile in item * share..<min(tiles, (item + 1) * share) {
                    let range = tile * tileRows..<min(rows, (tile + 1) * tileRows)
                    let first = pl_matrix_first_not_finite(
                        raw,
                        blocks.baseAddress,
                        Int64(range.lowerBound),
                        Int64(range.upperBound)
                    )
                    if first < range.upperBound { found[item] = min(found[item], Int(first)) }
                    pl_matrix_pack(raw, blocks.baseAddress, Int64(tile), Int64(tile + 1))
                }
            }
        }
        return firstNotFinite.min().flatMap { $0 < rows ? $0 : nil }
    }

    /// The first row of `blocks`, a matrix in file format, with a weight that is not finite: what repacking would find.
    package static func firstNotFinite(
        type: WeightType,
        rows: Int,
        columns: Int,
        in blocks: UnsafeRawBufferPointer,
        pool: ThreadPool
    ) throws(PackedMatrixError) -> Int? {
        let expected = try checkedByteCount(type: type, rows: rows, columns: columns)
        guard blocks.count == expected else { throw .size(expected: expected, found: blocks.count) }
        let matrix = pl_matrix(type: type.raw, rows: Int64(rows), cols: Int64(columns), data: nil)
        let share = (rows + 4 * pool.threads - 1) / (4 * pool.threads)
        var firsts = [Int](repeating: rows, count: (rows + share - 1) / share)
        firsts.withUnsafeMutableBufferPointer { firsts in
            nonisolated(unsafe) let (found, matrix) = (firsts, matrix)
            pool.run(items: found.count) { item in
                let end = min(rows, (item + 1) * share)
                let first = withUnsafePointer(to: matrix) { matrix in
                    pl_matrix_first_not_finite(matrix, blocks.baseAddress, Int64(item * share), Int64(end))
                }
                if first < end { found[item] = Int(first) }
            }
        }
        return firsts.min().flatMap { $0 < rows ? $0 : nil }
    }

    /// Bytes of the matrix in a file, or why there is no such matrix.
    private static func checkedByteCount(
        type: WeightType,
        rows: Int,
        columns: Int
    ) throws(PackedMatrixError) -> Int {
        let (weights, overflow) = rows.multipliedReportingOverflow(by: columns)
        let whole = columns.isMultiple(of: type.blockLength)
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
    case notFinite(row: Int)

    package var description: String {
        switch self {
        case .shape(let type, let rows, let columns):
            "a \(type.name) matrix of \(rows) rows and \(columns) columns cannot be multiplied: "
                + "columns must come in whole blocks of \(type.blockLength)"
        case .size(let expected, let found):
            "a weight matrix has \(found) bytes instead of \(expected)"
        case .outOfMemory(let bytes):
            "there is no memory for \(bytes) bytes of weights; use a smaller model or a stronger quantisation"
        case .notFinite(let row):
            "a weight matrix has a weight in row \(row) that is not a finite number"
        }
    }
}
