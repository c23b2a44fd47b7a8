import CPacelineKernels
import PacelineTensor
import PacelineTestTraits
import Testing

@Suite("Weight formats", .computing)
struct QuantFormatTests {
    /// A block whose byte i is 73·i + 41, with 0.1 (and -0.04) in its half-precision fields, as gguf-py expands it.
    struct Golden: CustomTestStringConvertible, Sendable {
        let type: WeightType
        /// FNV-1a over the bit patterns of all weights.
        let hash: UInt64
        /// Some of the weights.
        let samples: [(index: Int, value: Float)]
        var testDescription: String { type.name }

        init(_ type: WeightType, _ hash: UInt64, _ samples: [(Int, Float)]) {
            self.type = type
            self.hash = hash
            self.samples = samples.map { (index: $0.0, value: $0.1) }
        }
    }

    static let goldens = [
        Golden(.q4_0, 0xc842_62a1_3349_05a5, [(0, 0.2999267578125), (1, -0.39990234375), (31, -0.7998046875)]),
        Golden(.q4_1, 0xc370_ae2e_6378_b3a5, [(0, 1.26007080078125), (1, 0.56024169921875), (31, 0.86016845703125)]),
        Golden(.q5_0, 0x947b_afae_0565_1da5, [(0, 1.4996337890625), (17, -1.399658203125), (31, 0.199951171875)]),
        Golden(.q5_1, 0xded6_1196_847d_95a5, [(0, 1.65997314453125), (17, 2.65972900390625), (31, 1.06011962890625)]),
        Golden(.q8_0, 0x906e_5e0e_63fd_c9a5, [(0, -6.8983154296875), (17, -10.79736328125), (31, -10.997314453125)]),
        Golden(.q2_K, 0x0132_811e_89e2_23a5, [(0, 0.97900390625), (100, 5.01385498046875), (255, 0.27728271484375)]),
        Golden(.q3_K, 0x7520_b7f5_dfa1_ef25, [(0, -0.6998291015625), (17, -0.39990234375), (255, -2.3994140625)]),
        Golden(
            .q4_K,
            0x0e68_231e_f45e_f8cd,
            [(0, 13.63812255859375), (100, 60.460693359375), (255, 0.91107177734375)]
        ),
        Golden(
            .q5_K,
            0x26fa_6cd6_b5f1_d855,
            [(0, 34.43304443359375), (100, 68.458740234375), (255, 0.91107177734375)]
        ),
        Golden(.q6_K, 0xbe26_aa1e_74f2_e8b5, [(0, 16.0960693359375), (100, -213.347900390625), (255, 28.79296875)]),
        Golden(.iq4_NL, 0xa568_d601_daa8_4b25, [(0, 3.799072265625), (1, -4.8988037109375), (31, -12.6968994140625)]),
        Golden(
            .iq4_XS,
            0xf8ce_e366_8da2_3fb9,
            [(0, -301.5263671875), (17, 110.173095703125), (255, -74.981689453125)]
        ),
    ]

    private func expand(_ type: WeightType, _ bytes: [UInt8], count: Int) -> [Float] {
        var weights = [Float](repeating: .nan, count: count)
        pl_dequantise(type.raw, bytes, count, &weights)
        return weights
    }

    @Test("Expanding a block gives the bits of the format's reference", arguments: goldens)
    func golden(_ golden: Golden) {
        let type = golden.type
        var bytes = (0..<type.blockBytes).map { UInt8(truncatingIfNeeded: $0 * 73 + 41) }
        for (field, bits) in zip(WeightBlocks.scaleFields(type), [0x2e66, 0xa912] as [UInt16]) {
            bytes[field] = UInt8(truncatingIfNeeded: bits)
            bytes[field + 1] = UInt8(bits >> 8)
        }
        let weights = expand(type, bytes, count: type.blockLength)
        for (index, value) in golden.samples { #expect(weights[index] == value, "weight \(index)") }
        let hash = weights.reduce(0xcbf2_9ce4_8422_2325 as UInt64) {
            ($0 ^ UInt64($1.bitPattern)) &* 0x100_0000_01b3
        }
        #expect(hash == golden.hash)
    }

    @Test("Every quantised type has a golden block")
    func goldensAreComplete() {
        #expect(Set(Self.goldens.map(\.type)) == Set(WeightType.quantised))
    }

    @Test("A Q4_0 block by hand: scale 0.5, nibbles low then high, less 8")
    func q40ByHand() {
        let bytes: [UInt8] = [0x00, 0x38] + (0..<16).map { UInt8($0 | (15 - $0) << 4) }
        let weights = expand(.q4_0, bytes, count: 32)
        let low: [Float] = (0..<16).map { Float($0 - 8) / 2 }
        let high: [Float] = (0..<16).map { Float(7 - $0) / 2 }
        #expect(weights == low + high)
    }

    @Test("Half floats expand exactly: normal, subnormal, infinite")
    func halfFloats() {
        let halves: [UInt16] = [0x3c00, 0xbc00, 0x0001, 0x83ff, 0x7bff, 0x7c00, 0xfc00, 0x0000, 0x8000, 0x3555]
        let bytes = halves.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] }
        let values: [Float] = [
            1, -1, 0x1p-24, -0x1.ff8p-15, 65504, .infinity, -.infinity, 0, -0.0, 0x1.554p-2,
        ]
        #expect(BitComparison(a: expand(.f16, bytes, count: 10), b: values).agree)
    }

    @Test("bfloat16 is the upper half of float32")
    func bfloats() {
        let bytes: [UInt8] = [0x80, 0x3f, 0x49, 0xc0, 0x00, 0x80]
        #expect(BitComparison(a: expand(.bf16, bytes, count: 3), b: [1, -3.140625, -0.0]).agree)
    }

    @Test("Names, numbers and sizes are those of GGUF files")
    func sizes() {
        let expected: [(WeightType, UInt32, String, Int, Int)] = [
            (.f32, 0, "F32", 1, 4), (.f16, 1, "F16", 1, 2), (.bf16, 30, "BF16", 1, 2), (.q4_0, 2, "Q4_0", 32, 18),
            (.q4_1, 3, "Q4_1", 32, 20), (.q5_0, 6, "Q5_0", 32, 22), (.q5_1, 7, "Q5_1", 32, 24),
            (.q8_0, 8, "Q8_0", 32, 34), (.q2_K, 10, "Q2_K", 256, 84), (.q3_K, 11, "Q3_K", 256, 110),
            (.q4_K, 12, "Q4_K", 256, 144), (.q5_K, 13, "Q5_K", 256, 176), (.q6_K, 14, "Q6_K", 256, 210),
            (.iq4_NL, 20, "IQ4_NL", 32, 18), (.iq4_XS, 23, "IQ4_XS", 256, 136),
        ]
        #expect(expected.count == WeightType.allCases.count)
        for (type, number, name, length, bytes) in expected {
            #expect(type.rawValue == number)
            #expect(type.name == name)
            #expect(type.blockLength == length)
            #expect(type.blockBytes == bytes)
        }
    }

    @Test("Numbers without kernels are unsupported", arguments: [4, 5, 9, 15, 16, 24, 29, 31, 4096, .max] as [UInt32])
    func unsupported(number: UInt32) {
        #expect(pl_type_supported(number) == 0)
        #expect(String(cString: pl_type_name(number)) == "unknown")
        #expect(pl_type_block_length(number) == 0)
        #expect(pl_type_block_bytes(number) == 0)
        #expect(WeightType(rawValue: number) == nil)
    }
}
