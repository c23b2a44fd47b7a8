import CPacelineKernels
import PacelineTensor
import Testing

@Suite("Weight arena")
struct WeightArenaTests {
    private let pool: ThreadPool

    init() throws {
        pool = try ThreadPool(threads: 2)
    }

    private func matrix(rows: Int, value: Float, arena: WeightArena?) throws -> PackedMatrix {
        let weights = [Float](repeating: value, count: rows * 32).map(\.bitPattern)
        return try weights.withUnsafeBytes {
            try PackedMatrix(type: .f32, rows: rows, columns: 32, packing: $0, pool: pool, arena: arena)
        }
    }

    private func address(_ matrix: PackedMatrix) -> Int {
        Int(bitPattern: matrix.raw.pointee.data)
    }

    @Test("puts matrices behind one another, from a boundary of 2 MiB on and each at a page")
    func order() throws {
        let arena = WeightArena(regionBytes: 4 << 20)
        let first = try matrix(rows: 48, value: 1, arena: arena)
        let second = try matrix(rows: 16, value: 2, arena: arena)
        #expect(address(first).isMultiple(of: 2 << 20))
        #expect(first.byteCount == 48 * 32 * 4)
        #expect(address(second) - address(first) == 8192)
    }

    @Test("begins another region for what does not fit, however large")
    func regions() throws {
        let arena = WeightArena(regionBytes: 2 << 20)
        let small = try matrix(rows: 16, value: 1, arena: arena)
        let large = try matrix(rows: 32_768, value: 2, arena: arena)
        #expect(large.byteCount == 4 << 20)
        let distance = address(large) - address(small)
        #expect(distance >= 2 << 20 || distance <= -(4 << 20))
        #expect(address(large).isMultiple(of: 2 << 20))
    }

    @Test("lets a matrix outlive it and its neighbours")
    func lifetime() throws {
        var arena: WeightArena? = WeightArena(regionBytes: 2 << 20)
        var first: PackedMatrix? = try matrix(rows: 16, value: 1, arena: arena)
        let second = try matrix(rows: 16, value: 2, arena: arena)
        #expect(first != nil)
        first = nil
        arena = nil
        withExtendedLifetime(second) {
            let weights = second.raw.pointee.data.assumingMemoryBound(to: Float.self)
            #expect((0..<(16 * 32)).allSatisfy { weights[$0] == 2 })
        }
    }
}
