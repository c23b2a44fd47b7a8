/// The scores of one sequence and head, later their probabilities or derivatives.
struct AttentionMatrix<Scalar: TrainingScalar>: Sendable {
    /// rows × rows: by row, for the keys of step 0. Zero on the last diagonals and above them, once normalised.
    var base: Matrix<Scalar>
    /// rows × k: by row i and distance j, for the key of row i - j in step k - j.
    var diagonal: Matrix<Scalar>

    /// Turns scores into probabilities.
    mutating func normalise(diagonals: Int) {
        let rows = base.rows
        let own = diagonal
        diagonal.values.withUnsafeMutableBufferPointer { diagonal in
            base.values.withUnsafeMutableBufferPointer { values in
                for row in 0..<rows {
                    let start = row * rows
                    let near = min(diagonals, row + 1)
                    for distance in 0..<near { values[start + row - distance] = own[row, distance] }
                    softmax(values.baseAddress! + start, row + 1)
                    for distance in 0..<near {
                        diagonal[row * diagonals + distance] = values[start + row - distance]
                        values[start + row - distance] = 0
                    }
                    for column in row + 1..<rows { values[start + column] = 0 }
                }
            }
        }
    }

    /// Turns derivatives by the probabilities into derivatives by the products of queries and keys.
    mutating func throughSoftmax(of probabilities: AttentionMatrix, scale: Scalar) {
        for row in 0..<base.rows {
            let mean =
                base.dotOfRow(row, with: probabilities.base, columns: row + 1)
                + diagonal.dotOfRow(row, with: probabilities.diagonal, columns: diagonal.columns)
            base.centreRow(row, by: probabilities.base, mean: mean, scale: scale)
            diagonal.centreRow(row, by: probabilities.diagonal, mean: mean, scale: scale)
        }
    }
}

extension Matrix {
    fileprivate func dotOfRow(_ row: Int, with other: Matrix, columns used: Int) -> Scalar {
        values.withUnsafeBufferPointer { left in
            other.values.withUnsafeBufferPointer { right in
                guard let a = left.baseAddress, let b = right.baseAddress else { return 0 }
                return dot(a + row * columns, b + row * columns, used)
            }
        }
    }

    /// row = weights · (row - mean) · scale. Where weights are zero, nothing is left.
    fileprivate mutating func centreRow(_ row: Int, by weights: Matrix, mean: Scalar, scale: Scalar) {
        weights.values.withUnsafeBufferPointer { weights in
            values.withUnsafeMutableBufferPointer { values in
                for index in row * columns..<(row + 1) * columns {
                    values[index] = weights[index] * (values[index] - mean) * scale
                }
            }
        }
    }
}
