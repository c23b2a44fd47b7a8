/// Reads UTF-8 one scalar at a time and distinguishes invalid sequences from incomplete ones.
///
/// Source: the Unicode Standard, table 3-7 (well-formed byte sequences) and "maximal subpart" in section 3.9.
enum UTF8Scanner {
    enum Step: Equatable {
        /// A whole scalar of `length` bytes.
        case scalar(length: Int)
        /// `length` bytes that no continuation can make valid; one U+FFFD replaces them.
        case invalid(length: Int)
        /// The bytes end inside a sequence that may still become valid.
        case incomplete
    }

    /// Classifies the sequence that begins at `index`, which must be inside `bytes`.
    static func step(_ bytes: UnsafeRawBufferPointer, at index: Int) -> Step {
        let first = bytes[index]
        guard first >= 0x80 else { return .scalar(length: 1) }
        guard let (length, second) = shape(first) else { return .invalid(length: 1) }
        for offset in 1..<length {
            guard index + offset < bytes.count else { return .incomplete }
            let allowed = offset == 1 ? second : 0x80...0xBF
            guard allowed.contains(bytes[index + offset]) else { return .invalid(length: offset) }
        }
        return .scalar(length: length)
    }

    /// The length of a sequence with this first byte, and the range of its second byte; nil for an invalid first byte.
    private static func shape(_ first: UInt8) -> (length: Int, second: ClosedRange<UInt8>)? {
        switch first {
        case 0xC2...0xDF: (2, 0x80...0xBF)
        case 0xE0: (3, 0xA0...0xBF)
        case 0xED: (3, 0x80...0x9F)
        case 0xE1...0xEF: (3, 0x80...0xBF)
        case 0xF0: (4, 0x90...0xBF)
        case 0xF1...0xF3: (4, 0x80...0xBF)
        case 0xF4: (4, 0x80...0x8F)
        default: nil
        }
    }

    /// The scalar at `index` of valid UTF-8, and its length in bytes.
    static func codePoint(_ valid: UnsafeRawBufferPointer, at index: Int) -> (value: UInt32, length: Int) {
        let first = valid[index]
        guard first >= 0x80 else { return (UInt32(first), 1) }
        let length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
        var value = UInt32(first) & (0xFF >> UInt32(length + 1))
        for offset in 1..<length {
            value = value << 6 | UInt32(valid[index + offset] & 0x3F)
        }
        return (value, length)
    }

    /// The offset of the first invalid or incomplete sequence; nil if all of `bytes` is valid.
    static func firstInvalidOffset(_ bytes: UnsafeRawBufferPointer) -> Int? {
        var index = 0
        while index < bytes.count {
            guard case .scalar(let length) = step(bytes, at: index) else { return index }
            index += length
        }
        return nil
    }

    /// How many bytes at the end begin a sequence that may still become valid: at most three.
    static func unfinishedCount(of bytes: some RandomAccessCollection<UInt8>) -> Int {
        let end = Array(bytes.suffix(3))
        return end.withUnsafeBytes { end in
            end.indices.first { step(end, at: $0) == .incomplete }.map { end.count - $0 } ?? 0
        }
    }
}
