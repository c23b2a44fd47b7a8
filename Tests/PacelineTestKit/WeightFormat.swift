/// The weight types that tests can write, with plain quantisers.
package enum WeightFormat: UInt32, Sendable, CaseIterable {
    case f32 = 0
    case f16 = 1
    case q4_0 = 2
    case q4_1 = 3
    case q8_0 = 8
    case bf16 = 30

    /// The bytes of `weights` in the layout of the file. Quantised types need a multiple of 32 weights.
    package func encode(_ weights: [Float]) -> [UInt8] {
        var bytes: [UInt8] = []
        switch self {
        case .f32: for weight in weights { Self.append(weight.bitPattern, to: &bytes) }
        case .f16: for weight in weights { Self.append(Float16(weight).bitPattern, to: &bytes) }
        case .bf16: for weight in weights { Self.append(Self.bfloat16(weight), to: &bytes) }
        case .q4_0, .q4_1, .q8_0:
            for start in stride(from: 0, to: weights.count, by: 32) {
                appendBlock(Array(weights[start..<start + 32]), to: &bytes)
            }
        }
        return bytes
    }

    private func appendBlock(_ block: [Float], to bytes: inout [UInt8]) {
        switch self {
        case .q4_0: Self.appendQ4Zero(block, to: &bytes)
        case .q4_1: Self.appendQ4One(block, to: &bytes)
        default: Self.appendQ8(block, to: &bytes)
        }
    }

    /// A scale and 32 signed bytes: weight = scale × q.
    private static func appendQ8(_ block: [Float], to bytes: inout [UInt8]) {
        let largest = block.reduce(0) { max($0, abs($1)) }
        let scale = largest / 127
        append(Float16(scale).bitPattern, to: &bytes)
        for weight in block {
            let level = scale == 0 ? 0 : (weight / scale).rounded()
            bytes.append(UInt8(bitPattern: Int8(level)))
        }
    }

    /// A scale and 32 nibbles: weight = scale × (q - 8).
    private static func appendQ4Zero(_ block: [Float], to bytes: inout [UInt8]) {
        let extreme = block.max { abs($0) < abs($1) } ?? 0
        let scale = extreme / -8
        append(Float16(scale).bitPattern, to: &bytes)
        appendNibbles(block.map { scale == 0 ? 8 : $0 / scale + 8 }, to: &bytes)
    }

    /// A scale, a minimum and 32 nibbles: weight = scale × q + minimum.
    private static func appendQ4One(_ block: [Float], to bytes: inout [UInt8]) {
        let minimum = block.min() ?? 0
        let scale = ((block.max() ?? 0) - minimum) / 15
        append(Float16(scale).bitPattern, to: &bytes)
        append(Float16(minimum).bitPattern, to: &bytes)
        appendNibbles(block.map { scale == 0 ? 0 : ($0 - minimum) / scale }, to: &bytes)
    }

    /// Puts the first half of a block into the low nibbles and the second half into the high ones.
    private static func appendNibbles(_ levels: [Float], to bytes: inout [UInt8]) {
        for index in 0..<16 {
            bytes.append(nibble(levels[index]) | nibble(levels[index + 16]) << 4)
        }
    }

    private static func nibble(_ level: Float) -> UInt8 {
        UInt8(min(15, max(0, level.rounded())))
    }

    /// The upper half of a float's bits, rounded to nearest, ties to even.
    private static func bfloat16(_ weight: Float) -> UInt16 {
        let bits = weight.bitPattern
        return UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ (bits >> 16 & 1)) >> 16)
    }

    private static func append<T: FixedWidthInteger>(_ number: T, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
    }
}
