/// A row-major matrix of rows of activations, features or weights.
package struct Matrix<Scalar: TrainingScalar>: Equatable, Sendable {
    package let rows: Int
    package let columns: Int
    /// rows × columns numbers.
    package var values: [Scalar]

    /// Zeros.
    package init(rows: Int, columns: Int) {
        self.init(rows: rows, columns: columns, values: [Scalar](repeating: 0, count: rows * columns))
    }

    package init(rows: Int, columns: Int, values: [Scalar]) {
        precondition(values.count == rows * columns, "\(values.count) numbers are not \(rows) × \(columns)")
        (self.rows, self.columns, self.values) = (rows, columns, values)
    }

    /// A matrix whose numbers are arbitrary until the caller has written all of them.
    static func unset(rows: Int, columns: Int) -> Self {
        let count = rows * columns
        return Self(
            rows: rows,
            columns: columns,
            values: [Scalar](unsafeUninitializedCapacity: count) { $1 = count }
        )
    }

    package subscript(row: Int, column: Int) -> Scalar {
        get { values[row * columns + column] }
        set { values[row * columns + column] = newValue }
    }

    /// Adds a matrix of the same shape.
    mutating func add(_ other: Matrix) {
        addScaled(&values, 1, other.values, values.count)
    }

    /// The columns' sums, added to a part of `sums` that starts at `offset`.
    func addColumnSums(to sums: inout [Scalar], offset: Int) {
        sums.withUnsafeMutableBufferPointer { sums in
            values.withUnsafeBufferPointer { values in
                guard let from = values.baseAddress, let to = sums.baseAddress else { return }
                for row in 0..<rows { addScaled(to + offset, 1, from + row * columns, columns) }
            }
        }
    }

    /// A matrix with the same rows in another order, or with some of them left out or repeated.
    package func gathering(_ indices: [Int]) -> Matrix {
        var gathered = [Scalar]()
        gathered.reserveCapacity(indices.count * columns)
        for index in indices { gathered += values[index * columns..<(index + 1) * columns] }
        return Matrix(rows: indices.count, columns: columns, values: gathered)
    }
}

extension Matrix {
    /// Matrices of as many rows, side by side.
    init(joining parts: [Matrix]) {
        let rows = parts[0].rows
        var values: [Scalar] = []
        values.reserveCapacity(parts.reduce(0) { $0 + $1.values.count })
        for row in 0..<rows {
            for part in parts { values += part.values[row * part.columns..<(row + 1) * part.columns] }
        }
        self.init(rows: rows, columns: parts.reduce(0) { $0 + $1.columns }, values: values)
    }
}
