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
    private let isolatesDigits: Bool
    private let table = CharacterTable.shared

    /// - Parameters:
    ///   - bytes: valid UTF-8, alive as long as this value is used.
    ///   - isolatesDigits: what the step "Digits" of published tokenizers takes for a digit is a number.
    init(_ bytes: UnsafeRawBufferPointer, isolatesDigits: Bool = false) {
        self.bytes = bytes
        self.isolatesDigits = isolatesDigits
    }

    var count: Int { bytes.count }

    /// The class and length in bytes of the scalar at `index`; nil at the end.
    func scalar(at index: Int) -> (class: Class, length: Int)? {
        guard let (properties, length) = properties(at: index) else { return nil }
        if properties.isLetter { return (.letter, length) }
        if properties.isNumber || isolatesDigits && properties.isDigitOfDigitsStep { return (.number, length) }
        return (properties.isWhiteSpace ? .space : .other, length)
    }

    /// The properties and length in bytes of the scalar at `index`; nil at the end.
    func properties(at index: Int) -> (CharacterProperties, length: Int)? {
        guard index < bytes.count else { return nil }
        let (value, length) = UTF8Scanner.codePoint(bytes, at: index)
        return (table[value], length)
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
}
