import Foundation
import PacelineModel
import PacelineSpeculation
import PacelineTestKit
import Testing

@Suite("Pre-tokenisers")
struct PreTokenizerTests {
    private static let gpt2 = #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#
    private static func llama3(_ number: String) -> String {
        #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"# + number
            + #"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
    }

    /// The expressions that the model families publish, and whether digits are isolated first.
    static let published: [(name: String, pattern: String, isolatesDigits: Bool)] = [
        ("gpt-2", gpt2, false),
        ("smollm", gpt2, true),
        ("llama-bpe", llama3(#"\p{N}{1,3}"#), false),
        ("qwen2", llama3(#"\p{N}"#), false),
        ("tekken", tekken, false),
    ]

    private static let tekken = #"""
        [^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|\#
        [^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\#
        \p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+
        """#

    /// Scalars that the expressions distinguish: cases, scripts, marks, three kinds of digits, all kinds of white
    /// space.
    private static let scalars =
        [
            "aZsStTrReEvVlLmMdDſßéÉǅʰλжשعह中한ﷺ𝒜0189²½Ⅷ٣'''''’ ",
            "\u{20}\u{20}\u{20}\u{20}\n\n\r\t\u{B}\u{C}\u{85}\u{A0}\u{2003}\u{2028}\u{3000}",
            ".,!?-_(){}<>|/\\\"#@+=*€№👍🏽\u{200D}\u{FE0F}\u{301}\u{93F}\u{0}\u{7F}\u{1F}\u{FFFD}\u{10FFFF}",
        ].flatMap(\.unicodeScalars)

    @Test("the scanner finds the words of the published expression", arguments: published)
    func oracle(name: String, pattern: String, isolatesDigits: Bool) throws {
        // In Foundation, unlike in the models' regex engines, \s is not the White_Space property.
        let pattern = pattern.replacing(#"[^\s"#, with: #"[^\p{White_Space}"#)
            .replacing(#"\s"#, with: #"\p{White_Space}"#)
            .replacing(#"\S"#, with: #"\P{White_Space}"#)
        let words = try NSRegularExpression(pattern: pattern)
        let digits = try NSRegularExpression(pattern: isolatesDigits ? #"\p{N}|\P{N}+"# : #"[\s\S]+"#)
        let scanner = try #require(PreTokenizer.named(name))
        var generator = SplitMix(seed: 3)
        for _ in 0..<3000 {
            let text = Self.randomText(&generator)
            let expected = Self.matches(digits, text).flatMap { Self.matches(words, $0) }
            try #require(scanner.words(of: text) == expected, "\(text.unicodeScalars.map { $0.value })")
        }
    }

    @Test(
        "a pre-tokeniser is found by its other names",
        arguments: [
            ("deepseek-r1-qwen", "qwen2"), ("megrez", "qwen2"), ("llama3", "llama-bpe"), ("llama-v3", "llama-bpe"),
            ("falcon3", "llama-bpe"), ("pixtral", "llama-bpe"), ("midm-2.0", "llama-bpe"), ("starcoder", "smollm"),
            ("refact", "smollm"), ("phi-2", "gpt-2"), ("mellum", "gpt-2"),
        ]
    )
    func aliases(alias: String, name: String) throws {
        var (model, same) = (TinyModel(), TinyModel())
        (model.preTokenizer, same.preTokenizer) = (alias, name)
        let (tokenizer, other) = (try model.tokenizer(), try same.tokenizer())
        for text in ["I'll pay  $1234 TO'DAY\n\n  x", "e\u{301} 1234 the"] {
            #expect(tokenizer.encode(text) == other.encode(text))
        }
        #expect(tokenizer.fingerprint == other.fingerprint && tokenizer.prefersBOS == other.prefersBOS)
    }

    private static func randomText(_ generator: inout SplitMix) -> String {
        var text = String.UnicodeScalarView()
        for _ in 0..<Int.random(in: 0..<24, using: &generator) {
            let scalar = scalars[Int.random(in: 0..<scalars.count, using: &generator)]
            let repeats = Int.random(in: 0..<8, using: &generator) == 0 ? 3 : 1
            for _ in 0..<repeats { text.append(scalar) }
        }
        return String(text)
    }

    private static func matches(_ expression: NSRegularExpression, _ text: String) -> [String] {
        let string = text as NSString
        let range = NSRange(location: 0, length: string.length)
        return expression.matches(in: text, range: range).map { string.substring(with: $0.range) }
    }

    @Test("the families differ where their published expressions do")
    func examples() throws {
        func words(_ name: String, _ text: String) throws -> [String] {
            try #require(PreTokenizer.named(name)).words(of: text)
        }
        let text = "I'll pay  $1234 TO'DAY\n\n  x"
        #expect(try words("gpt-2", text) == ["I", "'ll", " pay", " ", " $", "1234", " TO", "'", "DAY", "\n\n ", " x"])
        #expect(try words("smollm", "a 12") == ["a", " ", "1", "2"])
        #expect(try words("smollm", "a  1") == ["a", "  ", "1"])
        #expect(try words("gpt-2", "a  1") == ["a", " ", " 1"])
        #expect(
            try words("llama-bpe", text) == [
                "I", "'ll", " pay", " ", " $", "123", "4", " TO", "'D", "AY", "\n\n", " ", " x",
            ]
        )
        #expect(try words("qwen2", "$1234") == ["$", "1", "2", "3", "4"])
        #expect(try words("qwen2", "end.\r\n\r\nNext") == ["end", ".\r\n\r\n", "Next"])
        let cased = "HelloWorld isHTTPServer x中A 1a2/\n"
        let tekken = ["Hello", "World", " is", "HTTPServer", " x中", "A", " ", "1", "a", "2", "/\n"]
        #expect(try words("tekken", cased) == tekken)
        #expect(try words("qwen2", cased) == ["HelloWorld", " isHTTPServer", " x中A", " ", "1", "a", "2", "/\n"])
        #expect(PreTokenizer.named("deepseek-llm") == nil)
    }
}
