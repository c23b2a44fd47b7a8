/// GPT-2's spelling of bytes as printable characters, which byte-level vocabularies and merges are written in.
///
/// Bytes that print stand for themselves as Latin-1 characters; the others take U+0100, U+0101, … in order.
/// Source: `bytes_to_unicode` of the GPT-2 release.
struct ByteLevelAlphabet: Sendable {
    /// The byte of each scalar below U+0144, or -1.
    private let bytes: [Int16]

    init() {
        var bytes = [Int16](repeating: -1, count: 0x144)
        var next = 0x100
        for byte in 0..<256 {
            if Self.standsForItself(byte) {
                bytes[byte] = Int16(byte)
            } else {
                bytes[next] = Int16(byte)
                next += 1
            }
        }
        self.bytes = bytes
    }

    private static func standsForItself(_ byte: Int) -> Bool {
        (0x21...0x7E).contains(byte) || (0xA1...0xAC).contains(byte) || (0xAE...0xFF).contains(byte)
    }

    /// The character that spells `byte`.
    func scalar(for byte: UInt8) -> Unicode.Scalar? {
        bytes.firstIndex(of: Int16(byte)).flatMap { Unicode.Scalar(UInt32($0)) }
    }

    /// Appends the bytes that `text` (UTF-8) spells; false, with nothing appended, when it is not in this alphabet.
    func append(_ text: UnsafeRawBufferPointer, to output: inout [UInt8]) -> Bool {
        let start = output.count
        var index = 0
        while index < text.count {
            var scalar = Int(text[index])
            index += 1
            if scalar >= 0x80 {
                // Scalars of the alphabet take two bytes at most.
                guard scalar & 0xE0 == 0xC0, index < text.count else { return undo(&output, to: start) }
                scalar = (scalar & 0x1F) << 6 | Int(text[index]) & 0x3F
                index += 1
            }
            guard scalar < bytes.count, bytes[scalar] >= 0 else { return undo(&output, to: start) }
            output.append(UInt8(truncatingIfNeeded: bytes[scalar]))
        }
        return true
    }

    private func undo(_ output: inout [UInt8], to count: Int) -> Bool {
        output.removeLast(output.count - count)
        return false
    }
}
