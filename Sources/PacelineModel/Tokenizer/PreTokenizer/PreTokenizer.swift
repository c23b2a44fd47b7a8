/// Cuts text into the words that byte-pair encoding works on, as the named model families do.
///
/// Each family publishes a regular expression; these are hand-written scanners for the same languages, because the
/// words of a text decide its tokens and a general regex engine costs more than the merges. `next` is called with the
/// start of a word and returns its end; a word is never empty.
package struct PreTokenizer: Sendable, Equatable {
    /// `tokenizer.ggml.pre`.
    package let name: String
    /// Other values of `tokenizer.ggml.pre` for the same: converters name a pre-tokeniser by a hash of what a model's
    /// tokenizer makes of a test text, so that models that differ in other ways have other names.
    package let aliases: [String]
    let rules: Rules
    /// Whether a word that is a token as a whole skips the merges.
    let ignoresMerges: Bool
    /// What happens to a text before it is cut into words; the texts of special tokens are cut out before.
    let normalization: Normalization
    /// Whether the family puts its beginning-of-sequence token first unless the file says otherwise.
    let addsBOS: Bool

    enum Rules: Sendable, Equatable {
        /// GPT-2's expression; with `isolatesDigits` the text is first cut before and after every digit.
        case gpt2(isolatesDigits: Bool)
        /// Llama 3's expression; numbers are cut into groups of at most `digits`.
        case llama3(digits: Int)
        /// Mistral's expression since Nemo, which also cuts before capitals within words.
        case tekken
    }

    enum Normalization: Sendable {
        /// The text stays as it is.
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

    /// `bytes`, valid UTF-8 that lives as long as the result, with the character classes that the rules know.
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

    /// `text` as the family normalises it.
    package func normalized(_ text: String) -> String {
        var text = text
        return text.withUTF8 { utf8 in
            withNormalized(UnsafeRawBufferPointer(utf8)) { String(decoding: $0, as: UTF8.self) }
        }
    }

    /// Calls `body` with `bytes`, valid UTF-8, as the family normalises them.
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

    /// The words of `text`, which is taken as normalised, for tests and tools.
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

    /// The end of a run of spaces that is a word of its own: `\s+(?!\S)|\s+`.
    ///
    /// Before a word the run gives up its last space (the word may take it); a single space, and a run at the end, stay
    /// whole.
    static func spaceEnd(_ run: (end: Int, last: Int), from start: Int, keepsLast: Bool) -> Int {
        keepsLast || run.last == start ? run.end : run.last
    }
}
