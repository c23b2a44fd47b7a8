import PacelineSpeculation
import PacelineTensor

/// Blocks of weights in file format, made from a seed.
enum WeightBlocks {
    /// What the blocks are like.
    enum Kind: CaseIterable {
        /// Any codes, scales between 2⁻⁷ and 1 of either sign.
        case ordinary
        /// Bytes all ones or all zeros and the largest half as scale: the largest sums that a kernel can meet.
        case largest
        /// Any codes and subnormal scales.
        case subnormal
        /// Nothing but zeros.
        case zero
    }

    /// `count` blocks of a quantised type.
    static func make(_ type: WeightType, count: Int, kind: Kind, from inputs: inout KernelInputs) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count * type.blockBytes)
        guard kind != .zero else { return bytes }
        for block in 0..<count {
            let start = block * type.blockBytes
            for index in start..<(start + type.blockBytes) {
                let random = inputs.next()
                bytes[index] = kind == .largest ? (random & 1 == 0 ? 0 : 255) : UInt8(truncatingIfNeeded: random)
            }
            for field in scaleFields(type) {
                let bits = half(kind, inputs.next())
                bytes[start + field] = UInt8(truncatingIfNeeded: bits)
                bytes[start + field + 1] = UInt8(truncatingIfNeeded: bits >> 8)
            }
        }
        return bytes
    }

    /// Offsets of a block's half-precision fields.
    static func scaleFields(_ type: WeightType) -> [Int] {
        switch type {
        case .q4_1, .q5_1, .q4_K, .q5_K: [0, 2]
        case .q2_K: [80, 82]
        case .q3_K: [108]
        case .q6_K: [208]
        default: [0]
        }
    }

    private static func half(_ kind: Kind, _ random: UInt64) -> UInt16 {
        let bits = UInt16(truncatingIfNeeded: random)
        return switch kind {
        case .ordinary: 0x2000 + bits & 0x1bff | bits & 0x8000
        case .largest: 0x7bff | bits & 0x8000
        case .subnormal: bits & 0x83ff
        case .zero: 0
        }
    }
}

extension WeightType {
    static let quantised = allCases.filter { !$0.isFloat }
}
