extension WeightFormat {
    /// The weights in `bytes` by the format's definition; the inverse of ``encode(_:)``, except for rounding.
    package func decode(_ bytes: [UInt8]) -> [Float] {
        switch self {
        case .f32: Self.numbers(bytes, UInt32.self).map(Float.init(bitPattern:))
        case .f16: Self.numbers(bytes, UInt16.self).map { Float(Float16(bitPattern: $0)) }
        case .bf16: Self.numbers(bytes, UInt16.self).map { Float(bitPattern: UInt32($0) << 16) }
        case .q8_0: Self.blocks(bytes, of: 34).flatMap(Self.q8Block)
        case .q4_0: Self.blocks(bytes, of: 18).flatMap(Self.q4ZeroBlock)
        case .q4_1: Self.blocks(bytes, of: 20).flatMap(Self.q4OneBlock)
        }
    }

    private static func q8Block(_ block: ArraySlice<UInt8>) -> [Float] {
        let scale = half(block, at: 0)
        return block.dropFirst(2).map { scale * Float(Int8(bitPattern: $0)) }
    }

    private static func q4ZeroBlock(_ block: ArraySlice<UInt8>) -> [Float] {
        let scale = half(block, at: 0)
        return nibbles(block.dropFirst(2)).map { scale * (Float($0) - 8) }
    }

    private static func q4OneBlock(_ block: ArraySlice<UInt8>) -> [Float] {
        let (scale, minimum) = (half(block, at: 0), half(block, at: 2))
        return nibbles(block.dropFirst(4)).map { scale * Float($0) + minimum }
    }

    /// Low nibbles first, then high ones.
    private static func nibbles(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        bytes.map { $0 & 15 } + bytes.map { $0 >> 4 }
    }

    private static func half(_ block: ArraySlice<UInt8>, at offset: Int) -> Float {
        let start = block.startIndex + offset
        return Float(Float16(bitPattern: UInt16(block[start]) | UInt16(block[start + 1]) << 8))
    }

    private static func blocks(_ bytes: [UInt8], of size: Int) -> [ArraySlice<UInt8>] {
        stride(from: 0, to: bytes.count, by: size).map { bytes[$0..<$0 + size] }
    }

    private static func numbers<T: FixedWidthInteger>(_ bytes: [UInt8], _: T.Type) -> [T] {
        let size = MemoryLayout<T>.size
        return bytes.withUnsafeBytes { raw in
            (0..<bytes.count / size).map { T(littleEndian: raw.loadUnaligned(fromByteOffset: $0 * size, as: T.self)) }
        }
    }
}
