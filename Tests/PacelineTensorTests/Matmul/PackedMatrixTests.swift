import CPacelineKernels
import PacelineTensor
import PacelineTestTraits
import Testing

@Suite("Packed matrices", .computing)
struct PackedMatrixTests {
    private func pack(_ type: WeightType, rows: Int, columns: Int, bytes: Int) throws -> PackedMatrix {
        try [UInt8](repeating: 0, count: bytes).withUnsafeBytes {
            try PackedMatrix(type: type, rows: rows, columns: columns, packing: $0, pool: ThreadPool(threads: 1))
        }
    }

    @Test("take as many bytes as the file's blocks when rows fill the tiles", arguments: WeightType.allCases)
    func size(type: WeightType) throws {
        let matrix = try pack(type, rows: 64, columns: 512, bytes: type.bytes(for: 64 * 512))
        #expect(matrix.byteCount == type.bytes(for: 64 * 512))
    }

    @Test("of odd block counts waste at most a cache line per tile")
    func oddSize() throws {
        let matrix = try pack(.q8_0, rows: 16, columns: 96, bytes: 16 * 3 * 34)
        #expect(matrix.byteCount <= 16 * 3 * 34 + 64)
    }

    @Test("refuse blocks of another size")
    func wrongSize() throws {
        let error = #expect(throws: PackedMatrixError.self) { try pack(.q4_K, rows: 16, columns: 256, bytes: 2303) }
        #expect(error == .size(expected: 2304, found: 2303))
        #expect(error?.description == "a weight matrix has 2303 bytes instead of 2304")
    }

    @Test(
        "refuse shapes that have no whole blocks or overflow",
        arguments: [(16, 128), (16, 0), (0, 256), (-1, 256), (Int.max / 2, 256), (.max, .max - 255)]
    )
    func wrongShape(rows: Int, columns: Int) {
        #expect(throws: PackedMatrixError.shape(type: .q4_K, rows: rows, columns: columns)) {
            try pack(.q4_K, rows: rows, columns: columns, bytes: 2304)
        }
    }
}
