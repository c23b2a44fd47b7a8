/// Splits text into the words that byte-pair encoding works on, as the named model families do.
///
/// Each family publishes a regular expression. These are hand-written scanners that match the same words, because a
/// general regex engine costs more than the merges. ``wordEnd(_:from:)`` takes the start of a word and returns its end;
/// a word is never empty.
package struct PreTokenizer: Sendable, Equatable {
    /// `tokenizer.ggml.pre`.
    package let name: String
    /// Other values of `tokenizer.ggml.pre` for the same rules. Converters choose the value by a hash of the tokens of
    /// a test text, so models that differ in other respects have other values.
    package let aliases: [String]
    let rules: Rules
    /// Whether a word that is itself a token skips the merges.
    let ignoresMerges: Bool
    /// How text is normalised before it is split into words. The texts of special tokens are cut out earlier.
    let normalization: Normalization
    /// Whether the family puts its beginning-of-sequence token first, unless the file says otherwise.
    let addsBOS: Bool

    enum Rules: Sendable, Equatable {
        /// GPT-2's expression; with `isolatesDigits`, text is first split before and after every digit.
        case gpt2(isolatesDigits: Bool)
        /// Llama 3's expression; numbers are split into groups of at most `digits`.
        case llama3(digits: Int)
        /// Mistral's expression since Nemo, which also splits before capitals inside words.
        case tekken
    }

    enum Normalization: Sendable {
        /// The text stays unchanged.
        case none
        /// Unicode's Normalization Form C.
        case nfc
    }

    package static let known: [PreTokenizer] = [
        PreTokenizer("gpt-2", aliases: ["phi-2", "mellum"], .gpt2(isolatesDigits: false)),
        PreTokenizer("smollm", aliases: ["starcoder", "refact"], .gpt2(isolatesDigits: true)),
        PreTokenizer(
            "llama-bpe",
            aliases: ["llama3", "llama-v3", "falcon3", "pixtral", "midm-2.0"],
            .llama3(digits: 3),
            ignoresMerges: true,
            addsBOS: true
        ),
        PreTokenizer("smaug-bpe", .llama3(digits: 3)),
        PreTokenizer("qwen2", aliases: ["deepseek-r1-qwen", "megrez"], .llama3(digits: 1), normalization: .nfc),
        PreTokenizer("tekken", .tekken, ignoresMerges: true, addsBOS: true),
    ]

    private init(
        _ name: String,
        aliases: [String] = [],
        _ rules: Rules,
        normalization: Normalization = .none,
        ignoresMerges: Bool = false,
        addsBOS: Bool = false
    ) {
        self.name = name
        self.aliases = aliases
        self.rules = rules
        self.normalization = normalization
        self.ignoresMerges = ignoresMerges
        self.addsBOS = addsBOS
    }

    package static func named(_ name: String) -> PreTokenizer? {
        known.first { $0.name == name || $0.aliases.contains(name) }
    }

    /// Wraps `bytes` with the character classes of the rules. They must be valid UTF-8 and outlive the result.
    func text(_ bytes: UnsafeRawBufferPointer) -> ScalarText {
        switch rules {
        case .gpt2(let isolatesDigits): ScalarText(bytes, isolatesDigits: isolatesDigits)
        case .llama3, .tekken: ScalarText(bytes)
        }
    }

    /// The end of the word that begins at `start`, which must lie inside the text.
    func wordEnd(_ text: ScalarText, from start: Int) -> Int {
        switch rules {
        case .gpt2(let isolatesDigits): Self.gpt2WordEnd(text, from: start, isolatesDigits: isolatesDigits)
        case .llama3(let digits): Self.llama3WordEnd(text, from: start, digits: digits)
        case .tekken: Self.tekkenWordEnd(text, from: start)
        }
    }

    /// Normalises `bytes`, which must be valid UTF-8, as the family does and calls `body` with the result.
    func withNormalized<Result>(
        _ bytes: UnsafeRawBufferPointer,
        _ body: (UnsafeRawBufferPointer) -> Result
    ) -> Result {
        switch normalization {
        case .none: return body(bytes)
        case .nfc:
            var composition = CanonicalComposition()
            return composition.composed(bytes)?.withUnsafeBytes(body) ?? body(bytes)
        }
    }

    /// The words of `text`, which must be normalised already; for tests and tools.
    package func words(of text: String) -> [String] {
        var text = text
        return text.withUTF8 { utf8 in
            let bytes = UnsafeRawBufferPointer(utf8)
            let scalars = self.text(bytes)
            var words: [String] = []
            var start = 0
            while start < bytes.count {
                let end = wordEnd(scalars, from: start)
                words.append(String(decoding: bytes[start..<end], as: UTF8.self))
                start = end
            }
            return words
        }
    }

    /// The end of a word that is a run of spaces: `\s+(?!\S)|\s+`.
    ///
    /// Before another word, the run leaves its last space to that word. With `keepsLast`, for example at the end of the
    /// text, it keeps that space. A single space stays whole.
    static func spaceEnd(_ run: (end: Int, last: Int), from start: Int, keepsLast: Bool) -> Int {
        keepsLast || run.last == start ? run.end : run.last
    }
}
