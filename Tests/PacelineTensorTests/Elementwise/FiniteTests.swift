import CPacelineKernels
import PacelineSpeculation
import PacelineTestTraits
import Testing

@testable import PacelineTensor

/// Finding infinities and NaN in activations and weights.
@Suite("Finite numbers", .computing)
struct FiniteTests {
    static let notFinite: [Float] = [.nan, -.nan, .signalingNaN, .infinity, -.infinity]

    @Test("The first number of a row that is not finite is found, wherever it is")
    func rows() {
        for count in [1, 2, 15, 511, 512, 513, 1_030] {
            let row = FloatMatrix(rows: 2, columns: count)
            for column in 0..<count { row[1, column] = column.isMultiple(of: 2) ? .greatestFiniteMagnitude : -0.0 }
            #expect(row.firstNotFinite(row: 1) == nil)
            for (index, value) in Self.notFinite.enumerated() {
                let place = (count - 1) * index / Self.notFinite.count
                row[1, count - 1] = value
                row[1, place] = value
                #expect(row.firstNotFinite(row: 1) == place)
                #expect(row.firstNotFinite(row: 0) == nil)
                row[1, place] = 1
            }
        }
    }

    @Test("Quotients of finite numbers are finite, and those that fit are the quotients")
    func division() {
        var inputs = KernelInputs(seed: 5)
        let most = Float.greatestFiniteMagnitude
        let values =
            (0..<1_000).map { _ in Float(bitPattern: UInt32(truncatingIfNeeded: inputs.next())) }
            .filter(\.isFinite) + [0, -0.0, most, -most, .leastNonzeroMagnitude]
        for divisor: Float in [0.001, 0.7, 1, 100] {
            let row = LogitRow(count: values.count)
            for (index, value) in values.enumerated() { row[index] = value }
            row.divide(by: divisor)
            #expect(row.firstNotFinite == nil)
            for (index, value) in values.enumerated() {
                let quotient = value / divisor
                let expected = quotient.isFinite ? quotient : quotient > 0 ? most : -most
                #expect(row[index].bitPattern == expected.bitPattern)
            }
        }
    }

    /// A matrix of 37 rows, with a factor of weights of one block replaced by these bits.
    private func pack(
        _ type: WeightType,
        row: Int,
        field: Int,
        bits: UInt32,
        size: Int
    ) throws -> PackedMatrixError? {
        let (rows, columns) = (37, 512)
        var inputs = KernelInputs(seed: 3)
        var blocks: [UInt8] = []
        if type.isFloat {
            blocks = (0..<rows * columns * type.blockBytes).map {
                $0 % type.blockBytes == type.blockBytes - 1 ? 0x3F : 1
            }
        } else {
            blocks = WeightBlocks.make(type, count: rows * columns / type.blockLength, kind: .ordinary, from: &inputs)
        }
        let place = (row * columns / type.blockLength + 1) * type.blockBytes + field
        withUnsafeBytes(of: bits.littleEndian) { bytes in
            for index in 0..<size { blocks[place + index] = bytes[index] }
        }
        let pool = try ThreadPool(threads: 2)
        let packed = Result {
            try blocks.withUnsafeBytes {
                try PackedMatrix(type: type, rows: rows, columns: columns, packing: $0, pool: pool)
            }
        }
        if case .failure(let error) = packed { return error as? PackedMatrixError }
        return nil
    }

    @Test("A weight that is not finite is found when it is packed, by its row", arguments: WeightType.allCases)
    func weights(type: WeightType) throws {
        let (size, numbers): (Int, [UInt32]) =
            switch type {
            case .f32: (4, [0x7FC0_0000, 0x7F80_0001, 0xFF80_0000])
            case .bf16: (2, [0x7FC0, 0x7F81, 0xFF80])
            default: (2, [0x7E00, 0x7C01, 0xFC00])
            }
        for field in type.isFloat ? [0] : WeightBlocks.scaleFields(type) {
            for row in [0, 15, 16, 36] {
                for bits in numbers {
                    let error = try pack(type, row: row, field: field, bits: bits, size: size)
                    #expect(error == .notFinite(row: row))
                }
            }
            let largest: UInt32 = type == .f32 ? 0xFF7F_FFFF : type == .bf16 ? 0xFF7F : 0xFBFF
            #expect(try pack(type, row: 20, field: field, bits: largest, size: size) == nil)
        }
    }

    @Test("Codes with the bits of a half that is not finite are codes")
    func codes() throws {
        // Two bits of the scales of IQ4_XS's groups lie where other types have a second factor.
        #expect(try pack(.iq4_XS, row: 20, field: 2, bits: 0x7E00, size: 2) == nil)
        for type in WeightType.quantised {
            let codes = type.blockBytes / 2
            #expect(try pack(type, row: 20, field: codes, bits: 0x7E00, size: 2) == nil, "\(type)")
        }
    }
}
