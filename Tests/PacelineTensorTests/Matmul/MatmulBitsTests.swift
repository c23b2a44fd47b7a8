import CPacelineKernels
import PacelineTensor
import PacelineTestTraits
import Testing

@Suite("Products of quantised weights: bits", .computing)
struct MatmulBitsTests {
    /// 41 rows: two whole tiles and a part of one. 768 columns: three blocks of the large formats.
    private func fixture(
        _ type: WeightType,
        _ kind: WeightBlocks.Kind,
        rows: Int = 41,
        columns: Int = 768,
        count: Int,
        pool: ThreadPool
    ) throws -> MatmulFixture {
        try .random(
            type,
            kind: kind,
            rows: rows,
            columns: columns,
            count: count,
            seed: UInt64(type.rawValue) + 1,
            pool: pool
        )
    }

    @Test("have the bits of the scalar twin", arguments: WeightType.quantised, WeightBlocks.Kind.allCases)
    func twins(type: WeightType, kind: WeightBlocks.Kind) throws {
        let pool = try ThreadPool(threads: 1)
        let fixture = try fixture(type, kind, count: 70, pool: pool)
        // From 17 rows on, pairs of tiles are multiplied together.
        for count in [1, 2, 3, 4, 5, 7, 8, 9, 12, 13, 16, 17, 21, 24, 29, 32, 36, 37, 44, 70] {
            let twin = fixture.product(count: count, isa: .scalar, pool: pool)
            #expect(twin.allSatisfy(\.isFinite) && (kind == .zero) == twin.allSatisfy { $0 == 0 })
            for isa in vectorInstructionSets {
                let vector = fixture.product(count: count, isa: isa, pool: pool)
                #expect(BitComparison(a: twin, b: vector).agree, "\(isa), \(count) rows")
            }
        }
    }

    @Test("have the bits of the scalar twin with the largest outliers", arguments: WeightType.quantised)
    func largestOutliers(type: WeightType) throws {
        let pool = try ThreadPool(threads: 1)
        var inputs = KernelInputs(seed: 6)
        let blocks = WeightBlocks.make(type, count: 33 * 256 / type.blockLength, kind: .largest, from: &inputs)
        // One group of each block as far above the rest as codes go, of either sign, in another place in each row.
        var x = inputs.floats(20 * 256, scale: 1)
        for index in x.indices where index % 32 / 4 == (index / 32 + index / 256) % 8 {
            x[index] = x[index] < 0 ? -1e6 : 1e6
        }
        let fixture = try MatmulFixture(type, blocks: blocks, rows: 33, columns: 256, activations: x, pool: pool)
        for count in [1, 2, 4, 8, 12, 16, 20] {
            let twin = fixture.product(count: count, isa: .scalar, pool: pool)
            for isa in vectorInstructionSets {
                let vector = fixture.product(count: count, isa: isa, pool: pool)
                #expect(BitComparison(a: twin, b: vector).agree, "\(isa), \(count) rows")
            }
        }
    }

    @Test(
        "have the bits of the scalar twin for an odd number of 32-blocks",
        arguments: WeightType.quantised.filter { $0.blockLength == 32 }
    )
    func oddBlocks(type: WeightType) throws {
        let pool = try ThreadPool(threads: 1)
        for columns in [32, 64, 96, 352] {
            let fixture = try fixture(type, .ordinary, rows: 19, columns: columns, count: 5, pool: pool)
            let twin = fixture.product(count: 5, isa: .scalar, pool: pool)
            for isa in vectorInstructionSets {
                #expect(
                    BitComparison(a: twin, b: fixture.product(count: 5, isa: isa, pool: pool)).agree,
                    "\(isa), \(columns) columns"
                )
            }
        }
    }

    @Test("of a row do not depend on how many other rows there are", arguments: WeightType.quantised)
    func counts(type: WeightType) throws {
        let pool = try ThreadPool(threads: 2)
        let fixture = try fixture(type, .ordinary, rows: 33, columns: 256, count: 150, pool: pool)
        let rows = (0..<150).map { fixture.product(first: $0, count: 1, isa: .best, pool: pool) }
        for count in Array(1...40) + [63, 64, 65, 80, 129, 150] {
            let together = fixture.product(count: count, isa: .best, pool: pool)
            #expect(BitComparison(a: together, b: Array(rows[0..<count].joined())).agree, "\(count) rows")
        }
    }

    @Test("do not depend on the threads", arguments: [WeightType.q4_K, .q6_K, .q8_0], 1...4)
    func threads(type: WeightType, threads: Int) throws {
        let one = try ThreadPool(threads: 1)
        let pool = try ThreadPool(threads: threads)
        let fixture = try fixture(type, .ordinary, rows: 2_000, columns: 512, count: 9, pool: pool)
        for count in [1, 9] {
            let alone = fixture.product(count: count, isa: .best, pool: one)
            for _ in 0..<5 {
                #expect(BitComparison(a: alone, b: fixture.product(count: count, isa: .best, pool: pool)).agree)
            }
        }
    }

    @Test("do not depend on what is computed in the same pass", arguments: InstructionSet.supported)
    func groups(isa: InstructionSet) throws {
        let pool = try ThreadPool(threads: 2)
        let types: [WeightType] = [.q4_K, .q6_K, .q8_0, .q4_1, .q2_K, .q3_K, .q5_K, .iq4_XS, .q4_0, .q5_0, .q5_1]
        let fixtures = try types.enumerated().map { index, type in
            try MatmulFixture.random(
                type,
                kind: .ordinary,
                rows: 16 + 13 * index,
                columns: 256,
                count: 6,
                seed: 7,
                pool: pool
            )
        }
        let shared = try fixtures.map { fixture in
            var inputs = KernelInputs(seed: 99)
            let blocks = WeightBlocks.make(
                fixture.matrix.type,
                count: fixture.rows * 256 / fixture.matrix.type.blockLength,
                kind: .ordinary,
                from: &inputs
            )
            return try MatmulFixture(
                fixture.matrix.type,
                blocks: blocks,
                rows: fixture.rows,
                columns: 256,
                activations: fixtures[0].activations,
                pool: pool
            )
        }
        // More than fit in one group inside, and each alone.
        let together = MatmulFixture.products(shared, count: 6, isa: isa, pool: pool)
        for (fixture, output) in zip(shared, together) {
            #expect(
                BitComparison(a: output, b: fixture.product(count: 6, isa: isa, pool: pool)).agree,
                "\(fixture.matrix.type)"
            )
        }
    }

    @Test("do not depend on what is expected to follow", arguments: [1, 2, 16, 17])
    func expectations(count: Int) throws {
        for threads in 1...3 {
            let pool = try ThreadPool(threads: threads)
            // Several items a thread of each.
            let fixtures = try [WeightType.q4_K, .q8_0, .q6_K].map {
                try fixture($0, .ordinary, rows: 2_000, columns: 256, count: count, pool: pool)
            }
            let alone = MatmulFixture.products(fixtures, count: count, isa: .best, pool: pool)
            // The same again, one matrix, more than fit into one run, and none.
            for following in [fixtures, [fixtures[1]], fixtures + fixtures + fixtures, []] {
                let raw = following.map { Optional($0.matrix.raw) }
                pl_matmul_expect(InstructionSet.best.raw, pool.raw, raw, Int32(raw.count), Int64(count))
                let outputs = MatmulFixture.products(fixtures, count: count, isa: .best, pool: pool)
                #expect(zip(outputs, alone).allSatisfy { BitComparison(a: $0, b: $1).agree }, "\(threads) threads")
            }
        }
    }

    @Test("leave the gaps of a strided output alone")
    func strides() throws {
        let pool = try ThreadPool(threads: 2)
        let fixture = try fixture(.q4_K, .ordinary, rows: 23, columns: 256, count: 3, pool: pool)
        let dense = fixture.product(count: 3, isa: .best, pool: pool)
        var quantised = [UInt8](repeating: 0, count: pl_activations_bytes(256, 3))
        pl_activations_quantise(InstructionSet.best.raw, fixture.activations, 256, 256, 3, &quantised)
        var output = [Float](repeating: -7, count: 3 * 30)
        withExtendedLifetime((fixture, pool)) {
            output.withUnsafeMutableBufferPointer { y in
                var product = pl_product(matrix: fixture.matrix.raw, y: y.baseAddress, y_stride: 30)
                pl_matmul(InstructionSet.best.raw, pool.raw, &product, 1, nil, 0, quantised, 3)
            }
        }
        for row in 0..<3 {
            #expect(
                BitComparison(
                    a: Array(output[(row * 30)..<(row * 30 + 23)]),
                    b: Array(dense[(row * 23)..<(row * 23 + 23)])
                ).agree
            )
            #expect(output[(row * 30 + 23)..<(row * 30 + 30)].allSatisfy { $0 == -7 })
        }
    }
}
