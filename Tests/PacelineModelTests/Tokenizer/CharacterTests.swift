import Foundation
import PacelineModel
import Testing

/// The published tokenizers' classification of every code point (from `Tests/TokenizerComparison/characters.py`).
struct CharacterGolden: Decodable {
    /// First and last code point of each range.
    var letters: [[UInt32]]
    var numbers: [[UInt32]]
    var whiteSpace: [[UInt32]]
    /// Characters that the "Digits" step isolates.
    var digits: [[UInt32]]
    /// Canonical combining classes and their marks.
    var marks: [CombiningClass]
    var normalization: [Normalization]

    struct CombiningClass: Decodable {
        var number: Int
        var points: [UInt32]

        init(from decoder: any Decoder) throws {
            var values = try decoder.unkeyedContainer()
            number = try values.decode(Int.self)
            points = try values.decode([UInt32].self)
        }
    }

    struct Normalization: Decodable {
        var text: String
        var decomposed: String
        var composed: String

        init(from decoder: any Decoder) throws {
            var values = try decoder.unkeyedContainer()
            text = try values.decode(String.self)
            decomposed = try values.decode(String.self)
            composed = try values.decode(String.self)
        }
    }

    static func read() throws -> CharacterGolden {
        let url = try #require(
            Bundle.module.url(forResource: "characters", withExtension: "json", subdirectory: "Goldens")
        )
        return try JSONDecoder().decode(Self.self, from: Data(contentsOf: url))
    }
}

@Suite("Characters")
struct CharacterTests {
    @Test("letters, numbers, white space and digits match the published tokenizers for every code point")
    func classes() throws {
        let golden = try CharacterGolden.read()
        let table = CharacterTable.shared
        // Collects the changes of all properties in one pass over a million code points.
        var runs: [(first: UInt32, properties: CharacterProperties)] = []
        for point in 0...0x10FFFF as ClosedRange<UInt32> {
            let properties = table[point]
            if runs.last?.properties != properties { runs.append((point, properties)) }
        }
        func ranges(_ belongs: (CharacterProperties) -> Bool) -> [[UInt32]] {
            var ranges: [[UInt32]] = []
            for (run, after) in zip(runs, runs.dropFirst().map(\.first) + [0x110000]) where belongs(run.properties) {
                if let last = ranges.last?[1], last + 1 == run.first {
                    ranges[ranges.count - 1][1] = after - 1
                } else {
                    ranges.append([run.first, after - 1])
                }
            }
            return ranges
        }
        let found: [(name: String, ranges: [[UInt32]], expected: [[UInt32]])] = [
            ("letters", ranges(\.isLetter), golden.letters),
            ("numbers", ranges(\.isNumber), golden.numbers),
            ("white space", ranges(\.isWhiteSpace), golden.whiteSpace),
            ("digits", ranges(\.isDigitOfDigitsStep), golden.digits),
        ]
        for (name, ranges, expected) in found {
            #expect(Set(ranges).symmetricDifference(expected).isEmpty, "\(name)")
        }
    }

    @Test(
        "characters have the categories of Unicode 16, whatever version the Swift runtime has",
        arguments: [
            (0x41, .uppercaseLetter), (0x7A, .lowercaseLetter), (0x1C5, .titlecaseLetter), (0x2B0, .modifierLetter),
            (0x4E00, .otherLetter), (0x301, .nonspacingMark), (0x903, .spacingMark), (0x20DD, .enclosingMark),
            (0x2167, .letterNumber), (0xB2, .otherNumber), (0x5F, .connectorPunctuation), (0xAD, .format),
            (0x20AC, .currencySymbol), (0x2028, .lineSeparator), (0xD800, .surrogate), (0x10FFFF, .unassigned),
            (0xE000, .privateUse), (0x1F642, .otherSymbol),
            // New in Unicode 16 and in 17.
            (0x10D40, .decimalNumber), (0xC5C, .unassigned), (0x11DE0, .unassigned),
        ] as [(UInt32, GeneralCategory)]
    )
    func categories(point: UInt32, category: GeneralCategory) {
        #expect(CharacterTable.shared[point].category == category)
    }

    @Test("a letter that is newer than the published tokenizers' Unicode does not count as a letter")
    func newerLetter() throws {
        for name in ["gpt-2", "smollm", "llama-bpe", "qwen2"] {
            let words = try #require(PreTokenizer.named(name)).words(of: "\u{C5C}'s")
            // Its word includes the apostrophe; a letter's word would not.
            #expect(words.map { Array($0.utf8) } == ["\u{C5C}'", "s"].map { Array($0.utf8) })
        }
    }

    @Test("the \"Digits\" step isolates a number that is newer than the regular expressions' Unicode")
    func newerDigit() throws {
        let digits = "x \u{11DE1}\u{11DE2}?"
        let smollm = try #require(PreTokenizer.named("smollm"))
        let gpt2 = try #require(PreTokenizer.named("gpt-2"))
        #expect(smollm.words(of: digits) == ["x", " ", "\u{11DE1}", "\u{11DE2}", "?"])
        #expect(gpt2.words(of: digits) == ["x", " \u{11DE1}\u{11DE2}?"])
    }

    @Test("no code of the library uses character properties of the Swift runtime or Foundation")
    func runtimeTables() throws {
        // Symbols in the compiled code: properties of scalars and characters, changes of case, Foundation.
        let names = [
            "7UnicodeO6ScalarV10PropertiesV", "$sSJ12isWhitespace", "$sSJ9isNewline", "$sSJ8isLetter", "$sSJ8isNumber",
            "$sSJ13isWholeNumber", "$sSS10lowercased", "$sSS10uppercased", "$s10Foundation",
        ]
        #expect(try Self.symbols(names, inObjectsOf: "PacelineModel").isEmpty)
        // The search itself works: this target does use Foundation.
        #expect(try Self.symbols(names, inObjectsOf: "PacelineModelTests").contains("$s10Foundation"))
    }

    /// The names that occur in a target's object files.
    private static func symbols(_ names: [String], inObjectsOf target: String) throws -> Set<String> {
        let folder = Bundle.module.bundleURL.deletingLastPathComponent().appending(path: "\(target).build")
        let objects = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .filter { $0.pathExtension == "o" }
        try #require(!objects.isEmpty, "no object files in \(folder.path)")
        return try objects.reduce(into: []) { found, object in
            let data = try Data(contentsOf: object)
            found.formUnion(names.filter { data.range(of: Data($0.utf8)) != nil })
        }
    }
}
