import CPacelineKernels
import PacelineTensor
import PacelineTestTraits
import Testing

@Suite("Products of float weights", .computing)
struct MatmulFloatTests {
    static let types: [WeightType] = [.f32, .f16, .bf16]

    private func bytes(_ type: WeightType, _ values: [Float]) -> [UInt8] {
        values.flatMap { value -> [UInt8] in
            switch type {
            case .f32: withUnsafeBytes(of: value.bitPattern) { Array($0) }
            case .f16: withUnsafeBytes(of: Float16(value).bitPattern) { Array($0) }
            default: withUnsafeBytes(of: UInt16(value.bitPattern >> 16)) { Array($0) }
            }
        }
    }

    private func fixture(_ type: WeightType, rows: Int, columns: Int, count: Int) throws -> MatmulFixture {
        var inputs = KernelInputs(seed: 31)
        return try MatmulFixture(
            type,
            blocks: bytes(type, inputs.floats(rows * columns)),
            rows: rows,
            columns: columns,
            activations: inputs.floats(count * columns),
            pool: try ThreadPool(threads: 2)
        )
    }

    @Test("are those of float64 up to float32 rounding", arguments: types)
    func values(type: WeightType) throws {
        let fixture = try fixture(type, rows: 53, columns: 320, count: 19)
        let output = fixture.product(count: 19, isa: .best, pool: try ThreadPool(threads: 1))
        for index in 0..<19 {
            for (row, exact) in fixture.exact(index).enumerated() {
                #expect(abs(Double(output[index * 53 + row]) - exact.value) < 1e-4)
            }
        }
    }

    @Test("have the bits of the scalar twin where no library computes them", arguments: [WeightType.f16, .bf16])
    func twins(type: WeightType) throws {
        let pool = try ThreadPool(threads: 2)
        // Whole panels of two tiles and a tile on its own, and two whole and a part; columns beyond one block.
        for (rows, columns) in [(41, 320), (64, 256), (50, 544), (16, 32)] {
            let fixture = try fixture(type, rows: rows, columns: columns, count: 200)
            for count in Array(1...14) + [24, 25, 200] {
                let twin = fixture.product(count: count, isa: .scalar, pool: pool)
                for isa in vectorInstructionSets {
                    let vector = fixture.product(count: count, isa: isa, pool: pool)
                    #expect(BitComparison(a: twin, b: vector).agree, "\(isa), \(rows) x \(columns), \(count) rows")
                }
            }
        }
    }

    @Test("of a row do not depend on how many other rows there are, nor on the threads", arguments: types)
    func counts(type: WeightType) throws {
        let fixture = try fixture(type, rows: 300, columns: 1024, count: 70)
        let one = try ThreadPool(threads: 1)
        let rows = (0..<70).map { fixture.product(first: $0, count: 1, isa: .best, pool: one) }
        for threads in 1...3 {
            let pool = try ThreadPool(threads: threads)
            for count in [1, 2, 15, 16, 17, 31, 32, 33, 70] {
                let together = fixture.product(count: count, isa: .best, pool: pool)
                #expect(
                    BitComparison(a: together, b: Array(rows[0..<count].joined())).agree,
                    "\(count) rows, \(threads) threads"
                )
            }
        }
    }

    @Test("mix with quantised weights in one group")
    func mixed() throws {
        let pool = try ThreadPool(threads: 2)
        let float = try fixture(.f16, rows: 40, columns: 256, count: 5)
        var inputs = KernelInputs(seed: 2)
        let blocks = WeightBlocks.make(.q4_K, count: 48, kind: .ordinary, from: &inputs)
        let quantised = try MatmulFixture(
            .q4_K,
            blocks: blocks,
            rows: 48,
            columns: 256,
            activations: float.activations,
            pool: pool
        )
        let together = MatmulFixture.products([float, quantised], count: 5, isa: .best, pool: pool)
        #expect(BitComparison(a: together[0], b: float.product(count: 5, isa: .best, pool: pool)).agree)
        #expect(BitComparison(a: together[1], b: quantised.product(count: 5, isa: .best, pool: pool)).agree)
    }
}
