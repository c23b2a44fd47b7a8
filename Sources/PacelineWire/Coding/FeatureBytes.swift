import PacelineSpeculation

/// How rows of features are written as bytes. All is little-endian, as every machine is that Paceline runs on.
enum FeatureBytes {
    /// Writes rows into as many bytes as they need.
    static func write(_ block: FeatureBlock, as format: FeatureDemand.Format, to bytes: UnsafeMutableRawBufferPointer) {
        switch format {
        case .float16:
            block.values.withUnsafeBytes { bytes.copyMemory(from: $0) }
        case .eightBit:
            block.values.withUnsafeBufferPointer { values in
                let piece = MemoryLayout<Float>.size + block.width
                for index in 0..<values.count / block.width {
                    let row = UnsafeBufferPointer(rebasing: values[index * block.width..<(index + 1) * block.width])
                    quantize(
                        row,
                        to: UnsafeMutableRawBufferPointer(rebasing: bytes[index * piece..<(index + 1) * piece])
                    )
                }
            }
        }
    }

    /// Reads rows that were written so.
    ///
    /// - Parameter bytes: whole rows.
    static func read(
        _ bytes: UnsafeRawBufferPointer,
        as format: FeatureDemand.Format,
        width: Int
    ) throws(MessageError.Problem) -> [Float16] {
        switch format {
        case .float16:
            return [Float16](unsafeUninitializedCapacity: bytes.count / MemoryLayout<Float16>.size) { values, count in
                UnsafeMutableRawBufferPointer(values).copyMemory(from: bytes)
                count = values.count
            }
        case .eightBit:
            let piece = MemoryLayout<Float>.size + width
            let pieces = bytes.count / piece
            for index in 0..<pieces {
                let scale = bytes.loadUnaligned(fromByteOffset: index * piece, as: Float.self)
                guard scale.isFinite else { throw .notFinite(field: "a scale in data") }
                guard scale >= 0 else { throw .negative(field: "a scale in data") }
            }
            return [Float16](unsafeUninitializedCapacity: pieces * width) { values, count in
                for index in 0..<pieces {
                    let piece = UnsafeRawBufferPointer(rebasing: bytes[index * piece..<(index + 1) * piece])
                    let row = UnsafeMutableBufferPointer(rebasing: values[index * width..<(index + 1) * width])
                    restore(piece, to: row)
                }
                count = values.count
            }
        }
    }

    /// Whether no number is infinite or none.
    static func areFinite(_ values: [Float16]) -> Bool {
        values.withUnsafeBytes { bytes in
            // Those have the largest exponent, with either sign.
            let largest = bytes.bindMemory(to: UInt16.self).reduce(0) { max($0, $1 & 0x7fff) }
            return largest < 0x7c00
        }
    }

    // MARK: Eight bits

    private static func quantize(_ row: UnsafeBufferPointer<Float16>, to bytes: UnsafeMutableRawBufferPointer) {
        let largest = Float(Float16(bitPattern: row.reduce(0) { max($0, $1.bitPattern & 0x7fff) }))
        let scale = largest / 127
        bytes.storeBytes(of: scale, as: Float.self)
        // Without a branch in the loop for a scale of 0, whose numbers are all 0.
        let divisor = scale > 0 ? scale : 1
        let steps = UnsafeMutableRawBufferPointer(rebasing: bytes[MemoryLayout<Float>.size...])
            .bindMemory(to: UInt8.self)
        for (index, value) in row.enumerated() {
            let number = single(value.bitPattern) / divisor
            let magnitude = roundedSteps(number.magnitude)
            steps[index] = UInt8(truncatingIfNeeded: number < 0 ? 0 &- magnitude : magnitude)
        }
    }

    /// Rounds half away from zero, to 127 at most. In arithmetic that the compiler does on several numbers at once,
    /// which it does not with its own rounding.
    private static func roundedSteps(_ magnitude: Float) -> UInt32 {
        // Where numbers are whole, the addition rounds half to even; the last bits are the rounded number.
        let shifted = magnitude + 0x1p23
        let isHalfBelow = magnitude - (shifted - 0x1p23) == 0.5
        return min(127, (shifted.bitPattern & 0xff) &+ (isHalfBelow ? 1 : 0))
    }

    private static func restore(_ bytes: UnsafeRawBufferPointer, to row: UnsafeMutableBufferPointer<Float16>) {
        let scale = bytes.loadUnaligned(as: Float.self)
        for index in row.indices {
            let steps = bytes.load(fromByteOffset: MemoryLayout<Float>.size + index, as: Int8.self)
            row.initializeElement(at: index, to: Float16(bitPattern: half(scale * Float(steps))))
        }
    }

    // MARK: Half precision

    /// A finite half-precision number. In integers and without branches, so that it takes a fraction of a nanosecond:
    /// where the compiler may not assume that the processor converts such numbers, it calls a function for each.
    static func single(_ half: UInt16) -> Float {
        let (sign, magnitude) = (UInt32(half & 0x8000) << 16, UInt32(half & 0x7fff))
        let normal = Float(bitPattern: magnitude << 13 &+ (112 << 23))
        let subnormal = Float(magnitude) * 0x1p-24
        return Float(bitPattern: sign | (magnitude < 0x0400 ? subnormal : normal).bitPattern)
    }

    /// The nearest half-precision number, the even one of two; the largest for all beyond it.
    static func half(_ single: Float) -> UInt16 {
        let sign = UInt16(truncatingIfNeeded: single.bitPattern >> 16) & 0x8000
        let magnitude = min(single.magnitude, 65504)
        let bits = magnitude.bitPattern
        let normal = (bits &- (112 << 23) &+ 0x0fff &+ (bits >> 13 & 1)) >> 13
        // The addition rounds to a multiple of the smallest half-precision number.
        let subnormal = (magnitude + 0.5).bitPattern &- Float(0.5).bitPattern
        return sign | UInt16(truncatingIfNeeded: magnitude < 0x1p-14 ? subnormal : normal)
    }
}
