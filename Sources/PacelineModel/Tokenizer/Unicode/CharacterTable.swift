/// The properties of every code point, one byte each (1.1 MB), so that a lookup is a single load.
package struct CharacterTable: Sendable {
    package static let shared = CharacterTable()

    private let bits: [UInt8]

    private init() {
        var bits = [UInt8](repeating: 0, count: 0x110000)
        bits.withUnsafeMutableBufferPointer { bits in
            let starts = Self.categoryRuns.map { Int($0 >> 8) }
            for (run, (first, after)) in zip(Self.categoryRuns, zip(starts, starts.dropFirst() + [bits.count])) {
                bits[first..<after].update(repeating: UInt8(truncatingIfNeeded: run))
            }
            Self.mark(Self.whiteSpaceRanges, CharacterProperties.whiteSpace, in: bits)
            Self.mark(Self.numberRanges, CharacterProperties.number, in: bits)
        }
        self.bits = bits
    }

    private static func mark(_ ranges: [UInt32], _ flag: UInt8, in bits: UnsafeMutableBufferPointer<UInt8>) {
        for index in stride(from: 0, to: ranges.count, by: 2) {
            for point in ranges[index]...ranges[index + 1] { bits[Int(point)] |= flag }
        }
    }

    /// - Parameter codePoint: U+0000 to U+10FFFF.
    package subscript(codePoint: UInt32) -> CharacterProperties {
        CharacterProperties(bits: bits[Int(codePoint)])
    }
}
