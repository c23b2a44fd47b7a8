import CPacelineKernels
import PacelineTensor
import Testing

@Suite("Quantised activations")
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

    @Test("have the bits of the scalar twin", arguments: vectorInstructionSets)
    func twins(isa: InstructionSet) {
        var inputs = KernelInputs(seed: 21)
        for count in 1...9 {
            let size = count * 96
            var rows = [inputs.patterns(size), [Float](repeating: 0, count: size)]
            for scale: Float in [1, 1e30, 1e-29, 1e-31] {
                rows.append(inputs.floats(size, scale: scale))
                rows.append(withOutliers(rows[rows.count - 1], factor: 100))
                rows.append(withOutliers(rows[rows.count - 2], factor: 1e6))
            }
            for x in rows {
                let twin = quantise(x, columns: 96, isa: .scalar)
                #expect(quantise(x, columns: 96, isa: isa) == twin)
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
        // Four blocks: an ordinary one, one with an outlier in the last group, one as large throughout, an ordinary one.
        var x = inputs.floats(128).map { $0 < 0 ? min($0, -0.5) : max($0, 0.5) }
        x[32 + 31] = 40
        for column in 64..<96 { x[column] *= 40 }
        let bytes = quantise(x, columns: 128, isa: isa)
        #expect(Array(bytes.suffix(4)) == [0, 8, 0, 0])
        // Rounded to the nearest, 40 is a number of steps that has a low part of at most half of 254 either way.
        let step = x[32..<60].map(abs).max()! / 127
        let outlier = bytes[(4 * 48 + 16)...].prefix(16).map { $0 }
        let high = Int(Int8(bitPattern: outlier[3])), low = Int(Int8(bitPattern: bytes[48 + 31]))
        #expect(254 * high + low == Int((40 / step).rounded()) && abs(low) <= 127 && outlier.prefix(3) == [0, 0, 0])
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
            output.quantise(x, rows: rows, compute: compute) { row in
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
