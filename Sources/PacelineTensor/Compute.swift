import CPacelineKernels

/// Where a model computes: an instruction set and a thread pool, with the row operations of a transformer.
///
/// The bits of a row depend neither on the other rows nor on the threads or the instruction set.
package struct Compute {
    package let isa: InstructionSet
    package let pool: ThreadPool

    package init(threads: Int, isa: InstructionSet = .best) throws(ThreadPoolError) {
        self.isa = isa
        pool = try ThreadPool(threads: threads)
    }

    /// Runs `body` for rows 0 ..< `rows`: on the pool if there is enough work to pay for waking it. How much that is
    /// was chosen, not measured.
    func forEachRow(_ rows: Int, width: Int, _ body: (Int) -> Void) {
        guard rows > 1, rows * width > 32_768, pool.threads > 1 else {
            for row in 0..<rows { body(row) }
            return
        }
        pool.run(items: rows, body)
    }

    /// Computes the elements 0 ..< `count` of an array, each on any thread.
    package func map<Element>(_ count: Int, _ element: (Int) -> Element) -> [Element] {
        [Element](unsafeUninitializedCapacity: count) { buffer, initialized in
            pool.run(items: count) { buffer.initializeElement(at: $0, to: element($0)) }
            initialized = count
        }
    }

    /// output = input / √(mean(input²) + ε) · weight, by row.
    package func rmsNorm(_ input: FloatMatrix, rows: Int, weight: FloatMatrix, epsilon: Float, into output: FloatMatrix)
    {
        let count = weight.columns
        precondition(input.columns == count && output.columns == count)
        forEachRow(rows, width: count) { row in
            rmsNorm(input, row: row, weight: weight, epsilon: epsilon, into: output)
        }
    }

    /// The same for one row.
    package func rmsNorm(_ input: FloatMatrix, row: Int, weight: FloatMatrix, epsilon: Float, into output: FloatMatrix)
    {
        let count = weight.columns
        precondition(input.columns == count && output.columns == count)
        pl_rms_norm(isa.raw, input.pointer(row), weight.base, epsilon, output.pointer(row), Int64(count))
    }

    /// The same over each head in the rows of `heads` (Qwen3's query and key norm), in place. A head is as wide as
    /// `weight`.
    package func rmsNormHeads(_ heads: FloatMatrix, rows: Int, weight: FloatMatrix, epsilon: Float) {
        let count = weight.columns
        precondition(heads.columns.isMultiple(of: count))
        forEachRow(rows, width: heads.columns) { row in
            for start in stride(from: 0, to: heads.columns, by: count) {
                let head = heads.pointer(row) + start
                pl_rms_norm(isa.raw, head, weight.base, epsilon, head, Int64(count))
            }
        }
    }

    /// target += addend, by row.
    package func add(_ addend: FloatMatrix, to target: FloatMatrix, rows: Int) {
        precondition(addend.columns == target.columns)
        forEachRow(rows, width: target.columns) { row in
            pl_add(isa.raw, target.pointer(row), addend.pointer(row), Int64(target.columns))
        }
    }

    /// Adds the one row of `bias` to every row.
    package func addBias(_ bias: FloatMatrix, to target: FloatMatrix, rows: Int) {
        precondition(bias.columns == target.columns)
        forEachRow(rows, width: target.columns) { row in
            pl_add(isa.raw, target.pointer(row), bias.base, Int64(target.columns))
        }
    }

    /// gate = silu(gate) · up in one row.
    package func siluMultiply(gate: FloatMatrix, up: FloatMatrix, row: Int) {
        precondition(gate.columns == up.columns)
        pl_silu_multiply(isa.raw, gate.pointer(row), up.pointer(row), Int64(gate.columns))
    }

    /// gate = gelu(gate) · up in one row, with the tanh form of GELU.
    package func geluMultiply(gate: FloatMatrix, up: FloatMatrix, row: Int) {
        precondition(gate.columns == up.columns)
        pl_gelu_multiply(isa.raw, gate.pointer(row), up.pointer(row), Int64(gate.columns))
    }

    /// target *= factor, by row.
    package func scale(_ target: FloatMatrix, by factor: Float, rows: Int) {
        forEachRow(rows, width: target.columns) { row in
            pl_scale(target.pointer(row), factor, Int64(target.columns))
        }
    }

    /// One row of target *= factor.
    package func scale(_ target: FloatMatrix, by factor: Float, row: Int) {
        pl_scale(target.pointer(row), factor, Int64(target.columns))
    }

    /// Rotates the heads of each row by the angles of that row.
    package func rotate(_ heads: FloatMatrix, rows: Int, headDimension: Int, angles: RotaryAngles) {
        precondition(heads.columns.isMultiple(of: headDimension) && angles.dimensions <= headDimension)
        forEachRow(rows, width: heads.columns) { row in
            pl_rope(
                isa.raw,
                heads.pointer(row),
                Int64(heads.columns / headDimension),
                Int64(headDimension),
                Int64(angles.dimensions),
                angles.cosines.pointer(row),
                angles.sines.pointer(row),
                angles.pairsHalves ? 1 : 0
            )
        }
    }

    /// Quantises the first `rows` rows of `input`, which may be narrower than `output`, for products with packed
    /// weights. All threads take part if there is enough to share. The bits of a row depend on that row alone.
    ///
    /// - Parameter prepare: computes a row of `input` before it is measured, on the thread that measures it. All
    ///   threads may read the row after that.
    package func quantise(
        _ input: FloatMatrix,
        rows count: Int,
        into output: QuantisedActivations,
        preparing prepare: (_ row: Int) -> Void = { _ in }
    ) {
        func measure(_ row: Int) {
            prepare(row)
            output.measure(input, row: row, isa: isa)
        }
        let together = QuantisedActivations.rowsTogether
        if count >= together * pool.threads {
            pool.run(items: (count + together - 1) / together) { item in
                let rows = item * together..<min(count, (item + 1) * together)
                rows.forEach(measure)
                output.quantise(input, rows: rows, columns: 0..<input.stride, of: count, isa: isa)
            }
            return
        }
        let isShared = count * input.stride >= QuantisedActivations.worthSharing
        let share = isShared ? min(QuantisedActivations.columnsTogether, input.stride) : input.stride
        pool.run(items: share < input.stride ? count : 1) { item in
            let rows = share < input.stride ? item..<item + 1 : 0..<count
            rows.forEach(measure)
        }
        pool.run(items: (input.stride + share - 1) / share) { item in
            let columns = item * share..<min(input.stride, (item + 1) * share)
            output.quantise(input, rows: 0..<count, columns: columns, of: count, isa: isa)
        }
    }

    /// Products of the same activations with several matrices: each output (rows x matrix rows) = activations ·
    /// matrixᵀ.
    ///
    /// - Parameter next: the matrices of the next call, if known. Threads that run out of work begin to read them.
    package func multiply(
        _ input: FloatMatrix,
        quantised: QuantisedActivations,
        rows: Int,
        _ products: [(matrix: PackedMatrix, output: FloatMatrix)],
        then next: [PackedMatrix] = []
    ) {
        if !next.isEmpty { expect(next, rows: rows) }
        let raw = products.map { product in
            precondition(product.matrix.columns == input.columns && product.output.columns == product.matrix.rows)
            precondition(rows <= product.output.rows)
            return pl_product(
                matrix: product.matrix.raw,
                y: product.output.base,
                y_stride: Int64(product.output.stride)
            )
        }
        pl_matmul(
            isa.raw,
            pool.raw,
            raw,
            Int32(raw.count),
            input.base,
            Int64(input.stride),
            quantised.raw,
            Int64(rows)
        )
    }

    private func expect(_ matrices: [PackedMatrix], rows: Int) {
        let raw = matrices.map { Optional($0.raw) }
        pl_matmul_expect(isa.raw, pool.raw, raw, Int32(raw.count), Int64(rows))
    }
}
