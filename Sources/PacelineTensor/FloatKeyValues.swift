import CPacelineKernels

/// The keys and values of one layer and one sequence as float32, and attention to them: the context of a draft head.
///
/// A head has one layer, so its context is small, and exact numbers are worth more than memory. OpenBLAS multiplies; it
/// must have been loaded.
package struct FloatKeyValues: Sendable {
    /// What a row of queries attends to: the first `base` rows, and those of `path` behind them.
    package struct View: Sendable {
        package var base: Int
        /// Ascending, from `base` on.
        package var path: [Int]

        package init(base: Int, path: [Int]) {
            (self.base, self.path) = (base, path)
        }
    }

    /// Key heads.
    package let heads: Int
    package let headDimension: Int
    package private(set) var count = 0
    /// rows × heads · headDimension.
    private var keys: [Float] = []
    private var values: [Float] = []

    package init(heads: Int, headDimension: Int) {
        precondition(heads > 0 && headDimension > 0)
        (self.heads, self.headDimension) = (heads, headDimension)
    }

    private var width: Int { heads * headDimension }

    /// Appends the first `rows` rows of keys and values, rows × heads · headDimension each.
    package mutating func append(keys newKeys: FloatMatrix, values newValues: FloatMatrix, rows: Int) {
        precondition(newKeys.columns == width && newValues.columns == width)
        for row in 0..<rows {
            keys += UnsafeBufferPointer(start: newKeys.pointer(row), count: width)
            values += UnsafeBufferPointer(start: newValues.pointer(row), count: width)
        }
        count += rows
    }

    /// Forgets all rows from `count` on.
    package mutating func truncate(to count: Int) {
        precondition((0...self.count).contains(count))
        keys.removeLast((self.count - count) * width)
        values.removeLast((self.count - count) * width)
        self.count = count
    }

    /// Attention of as many rows of queries as there are views: output (rows × query heads · headDimension), of the
    /// same shape as queries.
    ///
    /// - Parameter scale: the factor of products of queries and keys.
    package func attend(
        _ queries: FloatMatrix,
        _ views: [View],
        scale: Float,
        into output: FloatMatrix,
        compute: Compute
    ) {
        precondition(queries.columns == output.columns && queries.columns.isMultiple(of: width))
        precondition(views.count <= queries.rows && views.count <= output.rows)
        precondition(views.allSatisfy { $0.base <= count && $0.path.allSatisfy((0..<count).contains) })
        let queryHeads = queries.columns / headDimension
        compute.forEachRow(queryHeads, width: views.count * count) { head in
            attend(queries, views, head: head, of: queryHeads, scale: scale, into: output, isa: compute.isa)
        }
    }

    private func attend(
        _ queries: FloatMatrix,
        _ views: [View],
        head: Int,
        of queryHeads: Int,
        scale: Float,
        into output: FloatMatrix,
        isa: InstructionSet
    ) {
        let shared = head / (queryHeads / heads) * headDimension
        let own = head * headDimension
        withUnsafeTemporaryAllocation(of: Float.self, capacity: views.count * count) { scores in
            guard let scores = scores.baseAddress else { return }
            var product = pl_blas_product()
            (product.m, product.n, product.k) = (Int64(views.count), Int64(count), Int64(headDimension))
            product.transpose_b = true
            (product.lda, product.ldb, product.ldc) = (Int64(queries.stride), Int64(width), Int64(count))
            (product.alpha, product.beta) = (Double(scale), 0)
            keys.withUnsafeBufferPointer {
                guard let keys = $0.baseAddress else { return }
                pl_blas_sgemm(&product, queries.base + own, keys + shared, scores)
            }
            for (row, view) in views.enumerated() { normalise(scores + row * count, view, isa) }
            product.transpose_b = false
            (product.n, product.k) = (Int64(headDimension), Int64(count))
            (product.lda, product.ldc, product.alpha) = (Int64(count), Int64(output.stride), 1)
            values.withUnsafeBufferPointer {
                guard let values = $0.baseAddress else { return }
                pl_blas_sgemm(&product, scores, values + shared, output.base + own)
            }
        }
    }

    /// Replaces scores by their softmax over what a row sees, and 0 elsewhere.
    private func normalise(_ scores: UnsafeMutablePointer<Float>, _ view: View, _ isa: InstructionSet) {
        let seen = view.path.map { scores[$0] }
        (scores + view.base).update(repeating: -.infinity, count: count - view.base)
        for (place, score) in zip(view.path, seen) { scores[place] = score }
        var highest: Float = 0
        _ = pl_argmax(isa.raw, scores, Int64(count), &highest)
        // The numbers of rows that are not seen become 0: the exponential of minus infinity.
        for place in 0..<count { scores[place] -= highest }
        pl_exp(isa.raw, scores, scores, Int64(count))
        var sum: Float = 0
        for place in 0..<count { sum += scores[place] }
        pl_scale(scores, 1 / sum, Int64(count))
    }
}
