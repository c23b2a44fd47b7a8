/// The part of attention that belongs to one sequence and one head: where its numbers lie in the matrices of all rows.
struct AttentionBlock {
    private let rows: Range<Int>
    private let head: Int
    private let keyValueHead: Int
    private let shape: CausalAttention
    /// k: how many of a row's last keys come from other steps than 0.
    let diagonals: Int

    init(_ shape: CausalAttention, _ rows: Range<Int>, _ head: Int, diagonals: Int) {
        (self.shape, self.rows, self.head, self.diagonals) = (shape, rows, head, diagonals)
        keyValueHead = head / (shape.heads / shape.keyValueHeads)
    }

    private var size: Int { shape.headDimension }

    /// Where the block's numbers lie in a matrix of queries or outputs.
    private func own(_ isTransposed: Bool = false) -> MatrixProduct.Operand {
        .init(offset: ownIndex(0), stride: shape.queryWidth, isTransposed: isTransposed)
    }

    /// Where they lie in a matrix of keys or values.
    private func shared(_ isTransposed: Bool = false) -> MatrixProduct.Operand {
        .init(offset: sharedIndex(0), stride: shape.keyValueWidth, isTransposed: isTransposed)
    }

    private func ownIndex(_ row: Int) -> Int { (rows.lowerBound + row) * shape.queryWidth + head * size }

    private func sharedIndex(_ row: Int) -> Int {
        (rows.lowerBound + row) * shape.keyValueWidth + keyValueHead * size
    }

    /// left (rows × head) · transpose of right: for each row by each row of step 0.
    private func pairs<Scalar>(_ left: Matrix<Scalar>, _ right: Matrix<Scalar>, scale: Double) -> Matrix<Scalar> {
        var result = Matrix<Scalar>.unset(rows: rows.count, columns: rows.count)
        let product = MatrixProduct(
            rows: rows.count,
            columns: rows.count,
            inner: size,
            left: own(),
            right: shared(true),
            result: .init(stride: rows.count),
            scale: scale
        )
        Scalar.multiply(product, left.values, right.values, &result.values)
        return result
    }

    /// left · right, for the last diagonals.
    private func pairsOnDiagonals<Scalar>(
        _ left: Matrix<Scalar>,
        _ steps: [KeysAndValues<Scalar>],
        _ part: KeyPath<KeysAndValues<Scalar>, Matrix<Scalar>>,
        scale: Scalar
    ) -> Matrix<Scalar> {
        var result = Matrix<Scalar>(rows: rows.count, columns: diagonals)
        forEachDiagonal { row, distance in
            let right = steps[diagonals - distance][keyPath: part]
            result[row, distance] = scale * left.dot(at: ownIndex(row), right, at: sharedIndex(row - distance), size)
        }
        return result
    }

    private func forEachDiagonal(_ body: (_ row: Int, _ distance: Int) -> Void) {
        guard diagonals > 0 else { return }
        for row in 0..<rows.count {
            for distance in 0..<min(diagonals, row + 1) { body(row, distance) }
        }
    }

    func scores<Scalar>(_ queries: Matrix<Scalar>, _ steps: [KeysAndValues<Scalar>]) -> AttentionMatrix<Scalar> {
        let scale = 1 / Double(size).squareRoot()
        return AttentionMatrix(
            base: pairs(queries, steps[0].keys, scale: scale),
            diagonal: pairsOnDiagonals(queries, steps, \.keys, scale: Scalar(scale))
        )
    }

    func probabilityGradients<Scalar>(
        _ outputGradient: Matrix<Scalar>,
        _ steps: [KeysAndValues<Scalar>]
    ) -> AttentionMatrix<Scalar> {
        AttentionMatrix(
            base: pairs(outputGradient, steps[0].values, scale: 1),
            diagonal: pairsOnDiagonals(outputGradient, steps, \.values, scale: 1)
        )
    }

    /// The block of `output` = weights · values.
    func mix<Scalar>(
        _ weights: AttentionMatrix<Scalar>,
        _ steps: [KeysAndValues<Scalar>],
        to output: inout Matrix<Scalar>
    ) {
        combine(weights, steps, \.values, to: &output)
    }

    func setQueryGradient<Scalar>(
        _ slopes: AttentionMatrix<Scalar>,
        _ steps: [KeysAndValues<Scalar>],
        _ queryGradient: inout Matrix<Scalar>
    ) {
        combine(slopes, steps, \.keys, to: &queryGradient)
    }

    private func combine<Scalar>(
        _ weights: AttentionMatrix<Scalar>,
        _ steps: [KeysAndValues<Scalar>],
        _ part: KeyPath<KeysAndValues<Scalar>, Matrix<Scalar>>,
        to result: inout Matrix<Scalar>
    ) {
        let product = MatrixProduct(
            rows: rows.count,
            columns: size,
            inner: rows.count,
            left: .init(stride: rows.count),
            right: shared(),
            result: own()
        )
        Scalar.multiply(product, weights.base.values, steps[0][keyPath: part].values, &result.values)
        forEachDiagonal { row, distance in
            let source = steps[diagonals - distance][keyPath: part]
            let weight = weights.diagonal[row, distance]
            result.add(weight, at: ownIndex(row), source, at: sharedIndex(row - distance), size)
        }
    }

    func addValueGradients<Scalar>(
        _ probabilities: AttentionMatrix<Scalar>,
        _ outputGradient: Matrix<Scalar>,
        _ stepGradients: inout [KeysAndValues<Scalar>]
    ) {
        distribute(probabilities, outputGradient, &stepGradients, \.values)
    }

    func addKeyGradients<Scalar>(
        _ slopes: AttentionMatrix<Scalar>,
        _ queries: Matrix<Scalar>,
        _ stepGradients: inout [KeysAndValues<Scalar>]
    ) {
        distribute(slopes, queries, &stepGradients, \.keys)
    }

    /// Adds transpose(weights) · rows to keys or values.
    private func distribute<Scalar>(
        _ weights: AttentionMatrix<Scalar>,
        _ source: Matrix<Scalar>,
        _ stepGradients: inout [KeysAndValues<Scalar>],
        _ part: WritableKeyPath<KeysAndValues<Scalar>, Matrix<Scalar>>
    ) {
        let product = MatrixProduct(
            rows: rows.count,
            columns: size,
            inner: rows.count,
            left: .init(stride: rows.count, isTransposed: true),
            right: own(),
            result: shared(),
            kept: 1
        )
        Scalar.multiply(product, weights.base.values, source.values, &stepGradients[0][keyPath: part].values)
        forEachDiagonal { row, distance in
            stepGradients[diagonals - distance][keyPath: part].add(
                weights.diagonal[row, distance],
                at: sharedIndex(row - distance),
                source,
                at: ownIndex(row),
                size
            )
        }
    }
}

extension Matrix {
    /// The product of `count` numbers from `start` with as many of another matrix.
    fileprivate func dot(at start: Int, _ other: Matrix, at otherStart: Int, _ count: Int) -> Scalar {
        values.withUnsafeBufferPointer { left in
            other.values.withUnsafeBufferPointer { right in
                guard let a = left.baseAddress, let b = right.baseAddress else { return 0 }
                return PacelineTraining.dot(a + start, b + otherStart, count)
            }
        }
    }

    /// Adds a multiple of `count` numbers of another matrix to those from `start`.
    fileprivate mutating func add(_ factor: Scalar, at start: Int, _ other: Matrix, at otherStart: Int, _ count: Int) {
        values.withUnsafeMutableBufferPointer { to in
            other.values.withUnsafeBufferPointer { from in
                guard let y = to.baseAddress, let x = from.baseAddress else { return }
                addScaled(y + start, factor, x + otherStart, count)
            }
        }
    }
}
