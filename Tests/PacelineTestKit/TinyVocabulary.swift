/// A byte-level vocabulary of a few hundred tokens: all bytes, common English words with their merges, and ChatML's
/// markers.
package struct TinyVocabulary: Sendable {
    /// Token texts, spelled as in GGUF files.
    package private(set) var tokens: [String]
    /// The merges in order of rank.
    package private(set) var merges: [String] = []
    /// Ids of the control tokens `<|endoftext|>`, `<|im_start|>`, `<|im_end|>`, which come last.
    package private(set) var controlTokens: [UInt32] = []

    package static let shared = TinyVocabulary()

    package static let controlTexts = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]

    private static let words = """
        the of and to in is that it for you was on are with as be at this have from or one by not but what all were \
        when can there use each which how their will other about out many then them so some her would make like him \
        into time has look two more write go see number no way could people my than first water been call who now find \
        long down day did get come made may part def return print self import class function value list string while \
        true false none
        """

    private init() {
        tokens = (0..<256).map { Self.spelling(of: UInt8($0)) }
        for word in Self.words.split(separator: " ") {
            addWord("Ġ" + word)
        }
        let first = UInt32(tokens.count)
        controlTokens = (0..<3).map { first + $0 }
        tokens += Self.controlTexts
    }

    /// `tokenizer.ggml.token_type`: normal, then control.
    package var types: [Int32] {
        tokens.indices.map { $0 < tokens.count - 3 ? 1 : 3 }
    }

    /// Adds the merges that build `word` from the left.
    private mutating func addWord(_ word: String) {
        var prefix = ""
        for character in word.map(String.init) {
            defer { prefix += character }
            guard !prefix.isEmpty, !tokens.contains(prefix + character) else { continue }
            merges.append("\(prefix) \(character)")
            tokens.append(prefix + character)
        }
    }

    /// GPT-2's printable character for a byte.
    static func spelling(of byte: UInt8) -> String {
        let printable = { (byte: UInt8) in
            (0x21...0x7E).contains(byte) || (0xA1...0xAC).contains(byte) || byte >= 0xAE
        }
        if printable(byte) { return String(Unicode.Scalar(byte)) }
        let rank = (0..<byte).filter { !printable($0) }.count
        return Unicode.Scalar(UInt32(0x100 + rank)).map { String($0) } ?? ""
    }
}
