/// Valid UTF-8 read scalar by scalar, with the four character classes that pre-tokenisers know.
struct ScalarText {
    /// Every scalar is in exactly one class.
    enum Class: UInt8 {
        /// `\p{L}`
        case letter
        /// `\p{N}`
        case number
        /// `\s`: the White_Space property
        case space
        /// Everything else: punctuation, symbols, marks, controls.
        case other
    }

    private let bytes: UnsafeRawBufferPointer
    private static let asciiClasses: [Class] = (0..<128).map { Self.classify(Unicode.Scalar(UInt8($0))) }

    /// - Parameter bytes: valid UTF-8, alive as long as this value is used.
    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    var count: Int { bytes.count }

    /// The class and length in bytes of the scalar at `index`; nil at the end.
    func scalar(at index: Int) -> (class: Class, length: Int)? {
        guard index < bytes.count else { return nil }
        let first = bytes[index]
        guard first >= 0x80 else { return (Self.asciiClasses[Int(first)], 1) }
        let (value, length) = decode(first, at: index)
        return (Unicode.Scalar(value).map(Self.classify) ?? .other, length)
    }

    /// The byte at `index` if it is an ASCII character; nil otherwise and at the end.
    func ascii(at index: Int) -> UInt8? {
        index < bytes.count && bytes[index] < 0x80 ? bytes[index] : nil
    }

    /// The byte at `index`; nil at the end.
    func byte(at index: Int) -> UInt8? {
        index < bytes.count ? bytes[index] : nil
    }

    /// The end of the run of `wanted` scalars that begins at `index`, and where its last scalar begins.
    func run(of wanted: Class, from index: Int) -> (end: Int, last: Int) {
        var (end, last) = (index, index)
        while let (found, length) = scalar(at: end), found == wanted {
            last = end
            end += length
        }
        return (end, last)
    }

    private func decode(_ first: UInt8, at index: Int) -> (value: UInt32, length: Int) {
        let length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
        var value = UInt32(first) & (0xFF >> UInt32(length + 1))
        for offset in 1..<length {
            value = value << 6 | UInt32(bytes[index + offset] & 0x3F)
        }
        return (value, length)
    }

    private static func classify(_ scalar: Unicode.Scalar) -> Class {
        let properties = scalar.properties
        switch properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: return .letter
        case .decimalNumber, .letterNumber, .otherNumber: return .number
        default: return properties.isWhitespace ? .space : .other
        }
    }
}
