import CPacelineKernels
import PacelineTensor
import PacelineTestTraits
import Testing

@Suite("Products of quantised weights: values", .computing)
struct MatmulValueTests {
    @Test("differ from float64 by no more than rounding the activations to int8", arguments: WeightType.quantised)
    func values(type: WeightType) throws {
        let pool = try ThreadPool(threads: 1)
        let fixture = try MatmulFixture.random(
            type,
            kind: .ordinary,
            rows: 35,
            columns: 512,
            count: 3,
            seed: 11,
            pool: pool
        )
        let output = fixture.product(count: 3, isa: .best, pool: pool)
        for index in 0..<3 {
            for (row, exact) in fixture.exact(index).enumerated() {
                let error = abs(Double(output[index * 35 + row]) - exact.value)
                // Half a step each, and the float32 rounding of sixteen blocks.
                #expect(error <= exact.bound * 1.001 + abs(exact.value) * 1e-5, "row \(row)")
            }
        }
    }

    /// Row r of this matrix of 64 columns is 1 in column r, so that a product shows what became of an activation.
    private func unitMatrix(_ x: [Float], pool: ThreadPool) throws -> MatmulFixture {
        var blocks = [UInt8](repeating: 0, count: 64 * 2 * 34)
        for row in 0..<64 {
            for block in 0..<2 { blocks[(row * 2 + block) * 34 + 1] = 0x3c }
            blocks[(row * 2 + row / 32) * 34 + 2 + row % 32] = 1
        }
        return try MatmulFixture(.q8_0, blocks: blocks, rows: 64, columns: 64, activations: x, pool: pool)
    }

    @Test("see each activation as a multiple of 1/127 of the largest in its block", arguments: InstructionSet.supported)
    func activationSteps(isa: InstructionSet) throws {
        let pool = try ThreadPool(threads: 1)
        var inputs = KernelInputs(seed: 3)
        let x = inputs.floats(32, scale: 5) + inputs.floats(32, scale: 4.5)
        let output = try unitMatrix(x, pool: pool).product(count: 1, isa: isa, pool: pool)
        for start in [0, 32] {
            let largest = x[start..<(start + 32)].map(abs).max()!
            for column in start..<(start + 32) {
                let code = (x[column] * (127 / largest)).rounded(.toNearestOrEven)
                #expect(output[column] == code * (largest / 127))
            }
        }
    }

    @Test("see the activations beside an outlier as finely as without it", arguments: InstructionSet.supported, 0..<8)
    func outliers(isa: InstructionSet, group: Int) throws {
        let pool = try ThreadPool(threads: 1)
        var inputs = KernelInputs(seed: UInt64(group))
        for factor: Float in [30, 200, 254] {
            var x = inputs.floats(64, scale: 0.1)
            let columns = 4 * group..<4 * group + 4
            for column in columns { x[column] *= factor }
            let output = try unitMatrix(x, pool: pool).product(count: 1, isa: isa, pool: pool)
            let rest = (0..<32).filter { !columns.contains($0) }.map { abs(x[$0]) }.max()!
            let step = rest / 127
            for column in 0..<32 { #expect(abs(output[column] - x[column]) <= step * 0.501, "column \(column)") }
            // In steps of the outlier the others would have fewer than sixteen.
            #expect(columns.map { abs(x[$0]) }.max()! > 8 * rest)
        }
    }

    @Test(
        "see an outlier itself to fifteen bits, however much larger than the rest",
        arguments: InstructionSet.supported
    )
    func largestOutliers(isa: InstructionSet) throws {
        let pool = try ThreadPool(threads: 1)
        var inputs = KernelInputs(seed: 9)
        for outlier: Float in [1e3, -1e6, 3e9] {
            var x = inputs.floats(64)
            x[13] = outlier
            x[14] = -outlier / 3
            let output = try unitMatrix(x, pool: pool).product(count: 1, isa: isa, pool: pool)
            for column in 0..<32 {
                #expect(abs(output[column] - x[column]) <= max(1 / 127, abs(outlier) / 32_385) * 0.501)
            }
        }
    }
}
