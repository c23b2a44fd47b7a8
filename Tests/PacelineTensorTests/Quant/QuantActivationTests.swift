import CPacelineKernels
import PacelineTensor
import PacelineTestTraits
import Testing

@Suite("Quantised activations", .computing)
struct QuantActivationTests {
    private func quantise(_ x: [Float], columns: Int, isa: InstructionSet) -> [UInt8] {
        let count = Int64(x.count / columns)
        var bytes = [UInt8](repeating: 0xaa, count: pl_activations_bytes(Int64(columns), count))
        pl_activations_quantise(isa.raw, x, Int64(columns), Int64(columns), count, &bytes)
        return bytes
    }

    /// One value of every block made larger, each time in another column.
    private func withOutliers(_ x: [Float], factor: Float) -> [Float] {
        x.indices.map { $0 % 32 == $0 / 32 * 5 % 32 ? x[$0] * factor : x[$0] }
    }

    // Three blocks, and four and three: vector kernels measure four at a time.
    @Test("have the bits of the scalar twin", arguments: vectorInstructionSets, [96, 224])
    func twins(isa: InstructionSet, columns: Int) {
        var inputs = KernelInputs(seed: 21)
        for count in 1...9 {
            let size = count * columns
            var rows = [inputs.patterns(size), [Float](repeating: 0, count: size)]
            // The squares of scales overflow at 1e30, nearly so at 1e18, are subnormal at 1e-20 and zero at 1e-29.
            for scale: Float in [1, 1e30, 1e18, 1e-18, 1e-20, 1e-29, 1e-31] {
                let x = inputs.floats(size, scale: scale)
                rows += [x, withOutliers(x, factor: 100), withOutliers(x, factor: 1e6)]
            }
            for x in rows {
                let twin = quantise(x, columns: columns, isa: .scalar)
                #expect(quantise(x, columns: columns, isa: isa) == twin)
            }
        }
    }

    @Test("round halves to even", arguments: InstructionSet.supported)
    func ties(isa: InstructionSet) {
        // With 127 as the largest magnitude a code is the rounded value itself.
        let values: [Float] = [127, -127, 0.5, 1.5, 2.5, -0.5, -1.5, 126.5, 125.5, 3.4999998, 3.5000002, 0.49999997]
        let expected: [Int8] = [127, -127, 0, 2, 2, 0, -2, 126, 126, 3, 4, 0]
        let x = values + [Float](repeating: 0, count: 32 - values.count)
        let codes = quantise(x, columns: 32, isa: isa).prefix(12).map { Int8(bitPattern: $0) }
        #expect(codes == expected)
    }

    @Test("with an infinity or NaN make their row NaN and no other", arguments: InstructionSet.supported)
    func nonFinite(isa: InstructionSet) throws {
        let pool = try ThreadPool(threads: 1)
        for bad in [Float.infinity, -.infinity, .nan, .signalingNaN] {
            var inputs = KernelInputs(seed: 5)
            let blocks = WeightBlocks.make(.q4_K, count: 16, kind: .ordinary, from: &inputs)
            var x = inputs.floats(3 * 256)
            x[256 + 77] = bad
            let fixture = try MatmulFixture(.q4_K, blocks: blocks, rows: 16, columns: 256, activations: x, pool: pool)
            let output = fixture.product(count: 3, isa: isa, pool: pool)
            for (index, value) in output.enumerated() {
                #expect((16..<32).contains(index) ? value.isNaN : value.isFinite, "element \(index)")
            }
        }
    }

    @Test("too small to matter are zero", arguments: InstructionSet.supported)
    func tiny(isa: InstructionSet) {
        let x = [Float](repeating: 0x1p-101, count: 32)
        #expect(quantise(x, columns: 32, isa: isa).prefix(48).allSatisfy { $0 == 0 })
        let y = [Float](repeating: 0x1p-100, count: 32)
        #expect(quantise(y, columns: 32, isa: isa).prefix(32).allSatisfy { $0 == 127 })
    }

    @Test(
        "have an outlier where one group of columns coarsens a block, and only there",
        arguments: InstructionSet.supported
    )
    func outliers(isa: InstructionSet) {
        var inputs = KernelInputs(seed: 4)
        // Four blocks: an ordinary one, one with an outlier in the last group, one as large throughout, an ordinary
        // one.
        var x = inputs.floats(128).map { $0 < 0 ? min($0, -0.5) : max($0, 0.5) }
        x[32 + 31] = 40
        for column in 64..<96 { x[column] *= 40 }
        let bytes = quantise(x, columns: 128, isa: isa)
        #expect(Array(bytes.suffix(4)) == [0, 8, 0, 0])
    }

    @Test("have a low and a high part that make up the nearest step, ties to even", arguments: InstructionSet.supported)
    func split(isa: InstructionSet) {
        // With 127 as the largest of the other columns a step is 1. Halves of steps, too, beside the outlier and in it.
        var x = [Float](repeating: 0, count: 64)
        x.replaceSubrange(0..<8, with: [127, -127, 0.5, 1.5, 2.5, -0.5, -1.5, 126.5])
        let others: [Int8] = [127, -127, 0, 2, 2, 0, -2, 126]
        for value in stride(from: Float(181), through: 32_385, by: 0.5) {
            x[20] = value
            x[21] = -value
            x[22] = 127.5
            x[23] = -126.5
            let bytes = quantise(x, columns: 64, isa: isa).map { Int8(bitPattern: $0) }
            let low = bytes[20..<24].map { Int($0) }, high = bytes[96..<100].map { Int($0) }
            let wholes = zip(low, high).map { $0 + 254 * $1 }
            let nearest = [value, -value, 127.5, -126.5].map { Int($0.rounded(.toNearestOrEven)) }
            guard wholes == nearest, (low + high).allSatisfy({ abs($0) <= 127 }), Array(bytes[0..<8]) == others else {
                Issue.record("\(value): \(low) and \(high)")
                return
            }
        }
    }

    @Test("shared among threads are the same bytes", arguments: [1, 3, 5, 16, 17, 33, 201])
    func threads(rows: Int) throws {
        // Wide enough that a few rows are shared, too, in parts of which the last is shorter.
        let columns = 5_472
        var inputs = KernelInputs(seed: 8)
        let values = withOutliers(inputs.floats(rows * columns), factor: 20)
        let x = FloatMatrix(rows: rows, columns: columns)
        var alone = [UInt8](repeating: 0, count: pl_activations_bytes(Int64(columns), Int64(rows)))
        pl_activations_quantise(InstructionSet.best.raw, values, Int64(columns), Int64(columns), Int64(rows), &alone)
        for threads in [1, 3] {
            let compute = try Compute(threads: threads)
            let output = QuantisedActivations(rows: rows, columns: columns)
            // The outliers of blocks that have none stay as they were.
            output.raw.initializeMemory(as: UInt8.self, repeating: 0, count: alone.count)
            compute.quantise(x, rows: rows, into: output) { row in
                // What is quantised is what this prepares.
                let prepared = FloatMatrix(Array(values[row * columns..<(row + 1) * columns]))
                x.copyRow(row, from: prepared, row: 0)
            }
            let bytes = withExtendedLifetime(output) {
                Array(UnsafeRawBufferPointer(start: output.raw, count: alone.count))
            }
            let firstDifference = bytes.indices.first { bytes[$0] != alone[$0] }
            #expect(firstDifference == nil, "\(threads) threads")
        }
    }
}
