import CPacelineKernels
import PacelineTensor

/// A weight matrix and rows of activations, and their product by any instruction set, thread count and number of rows.
struct MatmulFixture {
    let matrix: PackedMatrix
    /// The weights as float32, row by row.
    let weights: [Float]
    let activations: [Float]
    let rows: Int
    let columns: Int

    /// - Parameter count: how many rows of activations there are.
    init(_ type: WeightType, blocks: [UInt8], rows: Int, columns: Int, activations: [Float], pool: ThreadPool) throws {
        matrix = try blocks.withUnsafeBytes {
            try PackedMatrix(type: type, rows: rows, columns: columns, packing: $0, pool: pool)
        }
        var weights = [Float](repeating: 0, count: rows * columns)
        pl_dequantise(type.raw, blocks, rows * columns, &weights)
        self.weights = weights
        self.activations = activations
        self.rows = rows
        self.columns = columns
    }

    /// A quantised matrix of random blocks and `count` rows of activations between -3 and 3, a few of them far larger.
    static func random(
        _ type: WeightType,
        kind: WeightBlocks.Kind,
        rows: Int,
        columns: Int,
        count: Int,
        seed: UInt64,
        pool: ThreadPool
    ) throws -> MatmulFixture {
        var inputs = KernelInputs(seed: seed)
        let blocks = WeightBlocks.make(type, count: rows * columns / type.blockLength, kind: kind, from: &inputs)
        return try MatmulFixture(
            type,
            blocks: blocks,
            rows: rows,
            columns: columns,
            activations: activations(count: count, columns: columns, from: &inputs),
            pool: pool
        )
    }

    /// In every fifth block of 32 one group of four columns is large, in every seventh all are.
    private static func activations(count: Int, columns: Int, from inputs: inout KernelInputs) -> [Float] {
        var values = inputs.floats(count * columns, scale: 3)
        for index in values.indices {
            let block = index / 32
            if block.isMultiple(of: 5) && index % 32 / 4 == block / 5 % 8 { values[index] *= 30 }
            if block.isMultiple(of: 7) { values[index] *= 5 }
        }
        return values
    }

    /// Output (count x rows) of activation rows `first` ..< first + count.
    func product(first: Int = 0, count: Int, isa: InstructionSet, pool: ThreadPool) -> [Float] {
        Self.products([self], first: first, count: count, isa: isa, pool: pool)[0]
    }

    /// Outputs of a group of matrices that multiply the activations of the first.
    static func products(
        _ fixtures: [MatmulFixture],
        first: Int = 0,
        count: Int,
        isa: InstructionSet,
        pool: ThreadPool
    ) -> [[Float]] {
        let columns = fixtures[0].columns
        let outputs = fixtures.map { UnsafeMutableBufferPointer<Float>.allocate(capacity: count * $0.rows) }
        let bytes = pl_activations_bytes(Int64(columns), Int64(count))
        let quantised = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
        defer {
            quantised.deallocate()
            for output in outputs { output.deallocate() }
        }
        fixtures[0].activations.withUnsafeBufferPointer { buffer in
            let x = buffer.baseAddress! + first * columns
            pl_activations_quantise(isa.raw, x, Int64(columns), Int64(columns), Int64(count), quantised)
            let products = zip(fixtures, outputs).map {
                pl_product(matrix: $0.matrix.raw, y: $1.baseAddress, y_stride: Int64($0.rows))
            }
            pl_matmul(
                isa.raw,
                pool.raw,
                products,
                Int32(products.count),
                x,
                Int64(columns),
                quantised,
                Int64(count)
            )
        }
        return outputs.map { Array($0) }
    }

    /// The exact product of activation row `index` and what quantising the activations may change it by, by output row.
    func exact(_ index: Int) -> [(value: Double, bound: Double)] {
        let x = activations[(index * columns)..<((index + 1) * columns)].map { Double($0) }
        let steps = stride(from: 0, to: columns, by: 32).map { start in
            x[start..<(start + 32)].map(abs).reduce(0, max) / 127
        }
        return (0..<rows).map { row in
            var value = 0.0
            var bound = 0.0
            for column in 0..<columns {
                let weight = Double(weights[row * columns + column])
                value += weight * x[column]
                bound += abs(weight) * steps[column / 32] / 2
            }
            return (value, bound)
        }
    }
}
