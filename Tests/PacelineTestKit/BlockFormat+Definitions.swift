extension BlockFormat {
    /// The values of the codes of IQ4.
    private static let levels: [Float] = [
        -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113,
    ]

    /// Weight `i` of a block.
    func weight(_ i: Int, of block: [UInt8]) -> Float {
        switch self {
        case .q5_0: half(block, 0) * Float(fiveBits(i, block, high: 2, low: 6) - 16)
        case .q5_1: half(block, 0) * Float(fiveBits(i, block, high: 4, low: 8)) + half(block, 2)
        case .q2_K: q2(i, block)
        case .q3_K: q3(i, block)
        case .q4_K: q45(i, block, code: nibble(i, block, at: 16))
        case .q5_K: q45(i, block, code: nibble(i, block, at: 48) | bit(block[16 + i % 32], i / 32) << 4)
        case .q6_K: q6(i, block)
        case .iq4_NL: half(block, 0) * Self.levels[i < 16 ? Int(block[2 + i] & 15) : Int(block[2 + i - 16] >> 4)]
        case .iq4_XS: iq4(i, block)
        }
    }

    /// Code `i` of 32: low nibbles first, with fifth bits in a 32-bit word.
    private func fiveBits(_ i: Int, _ block: [UInt8], high: Int, low: Int) -> Int {
        let byte = Int(block[low + i % 16])
        return (i < 16 ? byte & 15 : byte >> 4) | bit(block[high + i / 8], i % 8) << 4
    }

    /// Sixteen groups of 16, with a scale and a minimum of 4 bits each. Codes have 2 bits; a byte holds four codes that
    /// are 32 weights apart.
    private func q2(_ i: Int, _ block: [UInt8]) -> Float {
        let group = block[i / 16]
        let code = block[16 + i / 128 * 32 + i % 32] >> (2 * UInt8(i % 128 / 32)) & 3
        return half(block, 80) * Float(group & 15) * Float(code) - half(block, 82) * Float(group >> 4)
    }

    /// Sixteen groups of 16 with signed scales of 6 bits. Codes have 2 bits and a third one, which is clear for "- 4".
    private func q3(_ i: Int, _ block: [UInt8]) -> Float {
        let group = i / 16
        let low = group < 8 ? block[96 + group] & 15 : block[96 + group - 8] >> 4
        let high = block[104 + group % 4] >> (2 * UInt8(group / 4)) & 3
        let scale = Int(low) | Int(high) << 4
        let code = Int(block[32 + i / 128 * 32 + i % 32] >> (2 * UInt8(i % 128 / 32)) & 3)
        let isPositive = bit(block[i % 32], i / 32) == 1
        return half(block, 108) * Float(scale - 32) * Float(isPositive ? code : code - 4)
    }

    /// Eight groups of 32 with a scale and a minimum of 6 bits each, packed into twelve bytes.
    private func q45(_ i: Int, _ block: [UInt8], code: Int) -> Float {
        let group = i / 32
        let packed = { (index: Int) in Int(block[4 + index]) }
        let scale = group < 4 ? packed(group) & 63 : packed(group + 4) & 15 | (packed(group - 4) >> 6) << 4
        let minimum = group < 4 ? packed(group + 4) & 63 : packed(group + 4) >> 4 | (packed(group) >> 6) << 4
        return half(block, 0) * Float(scale) * Float(code) - half(block, 2) * Float(minimum)
    }

    /// Four bits of a code: of 32 bytes, the low nibbles belong to one group and the high ones to the next.
    private func nibble(_ i: Int, _ block: [UInt8], at offset: Int) -> Int {
        let byte = Int(block[offset + i / 64 * 32 + i % 32])
        return i % 64 < 32 ? byte & 15 : byte >> 4
    }

    /// Sixteen groups of 16 with int8 scales; codes of 6 bits, minus 32.
    private func q6(_ i: Int, _ block: [UInt8]) -> Float {
        let (part, quarter, place) = (i / 128, i % 128 / 32, i % 32)
        let byte = Int(block[part * 64 + quarter % 2 * 32 + place])
        let low = quarter < 2 ? byte & 15 : byte >> 4
        let high = Int(block[128 + part * 32 + place]) >> (2 * quarter) & 3
        let scale = Int8(bitPattern: block[192 + i / 16])
        return half(block, 208) * Float(scale) * Float((low | high << 4) - 32)
    }

    /// Eight groups of 32 with signed scales of 6 bits, split into four low and two high bits.
    private func iq4(_ i: Int, _ block: [UInt8]) -> Float {
        let group = i / 32
        let low = Int(block[4 + group / 2]) >> (4 * (group % 2)) & 15
        let high = (Int(block[2]) | Int(block[3]) << 8) >> (2 * group) & 3
        let byte = Int(block[8 + group * 16 + i % 16])
        let code = i % 32 < 16 ? byte & 15 : byte >> 4
        return half(block, 0) * Float((low | high << 4) - 32) * Self.levels[code]
    }

    private func bit(_ byte: UInt8, _ index: Int) -> Int { Int(byte >> UInt8(index) & 1) }

    private func half(_ block: [UInt8], _ offset: Int) -> Float {
        Float(Float16(bitPattern: UInt16(block[offset]) | UInt16(block[offset + 1]) << 8))
    }
}
