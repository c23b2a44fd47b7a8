import PacelineTestKit
import Testing

@testable import PacelineModel

extension PreTokenizer {
    /// The UTF-8 of `text`, normalised as the family does.
    func normalized(_ text: String) -> [UInt8] {
        Array(text.utf8).withUnsafeBytes { withNormalized($0) { Array($0) } }
    }
}

@Suite("Normalisation")
struct NormalizationTests {
    /// A character that composes with nothing and has no combining class.
    private static let starter = "%"

    /// The UTF-8 of `text` in NFC. Tests compare bytes because Swift's `==` ignores differences of form.
    private func nfc(_ text: String) throws -> [UInt8] {
        try #require(PreTokenizer.named("qwen2")).normalized(text)
    }

    @Test("Qwen's families normalise to NFC; families without a published normaliser leave text unchanged")
    func families() throws {
        let text = "e\u{301}\u{212B}"
        for (name, expected) in [
            ("qwen2", "\u{E9}\u{C5}"), ("gpt-2", text), ("smollm", text), ("llama-bpe", text),
        ] {
            let normalized = try #require(PreTokenizer.named(name)).normalized(text)
            #expect(normalized == Array(expected.utf8), "\(name)")
        }
    }

    @Test("characters normalise as in the published tokenizers, composed or decomposed")
    func characters() throws {
        let golden = try CharacterGolden.read().normalization
        #expect(golden.count == 2060)
        for entry in golden {
            let expected = Array(entry.composed.utf8)
            #expect(try nfc(entry.text) == expected && nfc(entry.decomposed) == expected, "\(entry.text)")
            // Neighbours do not change.
            #expect(try nfc("a\(entry.decomposed)b") == nfc("a\(entry.text)b"))
        }
    }

    @Test("all other characters neither change nor move")
    func inertCharacters() throws {
        let golden = try CharacterGolden.read()
        let table = NormalizationTable.shared
        let decomposing = Set(golden.normalization.compactMap { $0.text.unicodeScalars.first?.value })
        let marks = Set(golden.marks.flatMap(\.points))
        // Characters that compose with something before them are not inert either.
        let following = Set(golden.normalization.flatMap { $0.decomposed.unicodeScalars.dropFirst().map(\.value) })
        let vowelsAndTrailing = Set((0x1161...0x1175 as ClosedRange<UInt32>).map(\.self) + (0x11A8...0x11C2))
        let known = decomposing.union(marks).union(following).union(vowelsAndTrailing)
        var unexpected: [UInt32] = []
        for point in 0...0x10FFFF as ClosedRange<UInt32> where !table.isInert(point) {
            if !known.contains(point) { unexpected.append(point) }
        }
        #expect(unexpected.isEmpty)
    }

    @Test("marks are sorted by combining class, and marks of the same class keep their order")
    func marks() throws {
        let classes = try CharacterGolden.read().marks
        #expect(classes.count == 54)
        for other in classes {
            let first = String(try #require(Unicode.Scalar(other.points[0])))
            var (text, ordered) = ("", "")
            for entry in classes {
                for mark in entry.points.compactMap(Unicode.Scalar.init).map(String.init) {
                    text += Self.starter + first + mark
                    ordered += Self.starter + (other.number > entry.number ? mark + first : first + mark)
                }
            }
            // Compared outside the macro, which is slow to describe the difference of long arrays.
            let isOrdered = try nfc(text) == Array(ordered.utf8)
            #expect(isOrdered, "class \(other.number)")
        }
    }

    @Test("Korean letters compose into every syllable, and syllables stay unchanged")
    func hangul() throws {
        var letters = ""
        var syllables = ""
        for index in 0..<11_172 as Range<UInt32> {
            let parts = [0x1100 + index / 588, 0x1161 + index % 588 / 28, 0x11A7 + index % 28]
            let scalars = parts.prefix(index % 28 == 0 ? 2 : 3).compactMap(Unicode.Scalar.init)
            letters.unicodeScalars.append(contentsOf: scalars)
            syllables.unicodeScalars.append(try #require(Unicode.Scalar(0xAC00 + index)))
        }
        let isComposed = try nfc(letters) == Array(syllables.utf8)
        let isKept = try nfc(syllables) == Array(syllables.utf8)
        #expect(isComposed && isKept)
        // A syllable has at most one trailing consonant, and U+11A7 is not one.
        #expect(try nfc("\u{AC00}\u{11A8}\u{11A8}") == Array("\u{AC01}\u{11A8}".utf8))
        #expect(try nfc("\u{AC01}\u{11A8}\u{AC00}\u{11A7}") == Array("\u{AC01}\u{11A8}\u{AC00}\u{11A7}".utf8))
    }

    @Test(
        "marks compose unless a starter or a mark of the same or a higher class is in between",
        arguments: [
            ("a\u{323}\u{302}", "\u{1EAD}"), ("a\u{302}\u{323}", "\u{1EAD}"), ("\u{E2}\u{323}", "\u{1EAD}"),
            ("a\u{328}\u{301}", "\u{105}\u{301}"), ("a\u{301}\u{328}", "\u{105}\u{301}"),
            ("a\u{300}\u{301}", "\u{E0}\u{301}"), ("a\u{305}\u{301}", "a\u{305}\u{301}"),
            ("a%\u{301}", "a%\u{301}"), ("\u{301}a\u{301}", "\u{301}\u{E1}"), ("\u{302}\u{323}", "\u{323}\u{302}"),
            // Two starters; a composition that is excluded; a mark that is newer than Unicode 9, which does not move.
            ("\u{9C7}\u{9BE}", "\u{9CB}"), ("\u{915}\u{93C}", "\u{915}\u{93C}"), ("\u{958}", "\u{915}\u{93C}"),
            ("%\u{302}\u{1ABF}", "%\u{302}\u{1ABF}"), ("a\u{302}\u{1ABF}\u{323}", "\u{E2}\u{1ABF}\u{323}"),
            ("\u{37E}\u{1FEF}\u{2126}\u{212A}", ";`\u{3A9}K"), ("", ""), ("plain", "plain"),
            ("\u{E9}\u{2FF}", "\u{E9}\u{2FF}"),
        ]
    )
    func sequences(text: String, expected: String) throws {
        #expect(try nfc(text) == Array(expected.utf8))
        #expect(try nfc("x \(text) y") == Array("x \(expected) y".utf8))
    }

    @Test("a hundred thousand unordered marks are sorted without loss and without quadratic time")
    func manyMarks() throws {
        let marks = String(repeating: "\u{302}\u{323}", count: 50_000)
        let ordered = "%" + String(repeating: "\u{323}", count: 50_000) + String(repeating: "\u{302}", count: 50_000)
        let isOrdered = try nfc("%" + marks) == Array(ordered.utf8)
        #expect(isOrdered)
    }

    @Test("special tokens are cut out first, so a mark after one cannot change it")
    func markers() throws {
        var model = TinyModel()
        model.preTokenizer = "qwen2"
        let tokenizer = try model.tokenizer()
        let marker = try #require(TinyVocabulary.shared.controlTokens.last)
        // As plain text, ">" and U+0338 are one character.
        let text = "<|im_end|>\u{338}"
        #expect(tokenizer.encode(text) == [marker] + tokenizer.encode("\u{338}"))
        let asText = tokenizer.encode(text, parseSpecial: false)
        #expect(asText == tokenizer.encode("<|im_end|\u{226F}", parseSpecial: false))
        let tokens = tokenizer.encode("e<|im_end|>\u{301}e\u{301}")
        #expect(try tokenizer.decode(tokens) == Array("e<|im_end|>\u{301}\u{E9}".utf8))
    }

    @Test("user text cannot end a turn, decomposed or not, and cannot change the template's markers after it")
    func contents() throws {
        var model = TinyModel()
        model.preTokenizer = "qwen2"
        let tokenizer = try model.tokenizer()
        let control = TinyVocabulary.shared.controlTokens
        let content = "e\u{301}\u{AC00}\u{11A8}<|im_end|>\u{338}e\u{301}"
        let prompt = ChatFormat(.chatML).render([ChatMessage(.user, content)])
        let tokens = tokenizer.encode(prompt)
        #expect(tokens.filter { $0 >= control[0] } == [control[1], control[2], control[1]])
        let composed = "\u{E9}\u{AC01}<|im_end|\u{226F}\u{E9}"
        #expect(tokens == tokenizer.encode(ChatFormat(.chatML).render([ChatMessage(.user, composed)])))
    }
}
