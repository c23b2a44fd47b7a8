import Foundation
import PacelineGrammar
import PacelineSpeculation
import Testing

/// A random expression, its whole language, and its spellings in both notations.
private struct RandomLanguage {
    var texts: Set<String>
    var notation: String
    var pattern: String

    init(_ random: inout SplitMix, depth: Int) {
        switch depth == 0 ? 0 : random.next(below: 5) {
        case 0:
            let count = random.next(below: 3)
            let text = (0..<count).map { _ in "abc"[random.next(below: 3)] }.joined()
            (texts, notation, pattern) = ([text], "\"\(text)\"", "(?:\(text))")
        case 1:
            (texts, notation, pattern) = (["a", "b"], "[ab]", "[ab]")
        case 2:
            let (one, other) = (RandomLanguage(&random, depth: depth - 1), RandomLanguage(&random, depth: depth - 1))
            texts = one.texts.union(other.texts)
            notation = "(\(one.notation) | \(other.notation))"
            pattern = "(?:\(one.pattern)|\(other.pattern))"
        case 3:
            let (one, other) = (RandomLanguage(&random, depth: depth - 1), RandomLanguage(&random, depth: depth - 1))
            texts = Self.product(one.texts, other.texts)
            notation = "\(one.notation) \(other.notation)"
            pattern = one.pattern + other.pattern
        default:
            let one = RandomLanguage(&random, depth: depth - 1)
            let least = random.next(below: 2), most = least + random.next(below: 3)
            texts = []
            var power: Set<String> = [""]
            for count in 0...most {
                if count >= least { texts.formUnion(power) }
                power = Self.product(power, one.texts)
            }
            notation = "(\(one.notation)){\(least),\(most)}"
            pattern = "(?:\(one.pattern)){\(least),\(most)}"
        }
    }

    /// Whether there are too many texts to look at; then some are missing.
    var isLarge: Bool { texts.count >= Self.limit }

    private static let limit = 400

    private static func product(_ one: Set<String>, _ other: Set<String>) -> Set<String> {
        var product: Set<String> = []
        for first in one {
            for second in other where product.count < limit { product.insert(first + second) }
        }
        return product
    }
}

extension String {
    fileprivate subscript(place: Int) -> String { String(Array(self)[place]) }
}

@Suite("Masks of small grammars")
struct MaskTests {
    private static let vocabulary = SmallVocabulary([
        "a", "b", "c", "ab", "ba", "bc", "abc", "aa", "cab", "bbb", "acc", "a", "caa", "aaa", "aaaa", "bbbb", "abab",
    ])

    /// Random languages of each part; more can be asked for.
    private static let languages = ProcessInfo.processInfo.environment["PACELINE_TEST_SEEDS"].flatMap { Int($0) } ?? 250

    @Test("allow exactly the tokens behind which a text of the language goes on", arguments: 0..<4)
    func languages(part: UInt64) throws {
        var random = SplitMix(seed: 700 + part)
        var states = 0
        for _ in 0..<Self.languages {
            let language = RandomLanguage(&random, depth: 4)
            guard !language.isLarge else { continue }
            for source in [GrammarSource.gbnf("root ::= \(language.notation)"), .regex(language.pattern)] {
                states += try check(source, language.texts.map { Array($0.utf8) }, &random)
            }
        }
        #expect(states > 8 * Self.languages)
    }

    private func check(_ source: GrammarSource, _ texts: [[UInt8]], _ random: inout SplitMix) throws -> Int {
        let vocabulary = Self.vocabulary
        let matcher = GrammarMatcher(try Grammar(source), vocabulary.trie)
        var states = 0
        for _ in 0..<4 {
            var (state, text) = (matcher.start, [UInt8]())
            while true {
                let rests = texts.filter { $0.starts(with: text) }.map { $0.dropFirst(text.count) }
                var legal = vocabulary.bytes.indices.dropFirst().filter { token in
                    rests.contains { $0.starts(with: vocabulary.bytes[token]) }
                }.map { Token($0) }
                if rests.contains(where: \.isEmpty) { legal.insert(SmallVocabulary.end, at: 0) }
                states += 1
                try #require(matcher.mask(state).tokens == legal, "\(source) behind \(text)")
                let onward = legal.filter { $0 != SmallVocabulary.end }
                guard !onward.isEmpty else { break }
                let token = onward[random.next(below: onward.count)]
                let bytes = vocabulary.bytes[Int(token)]
                state = try #require(matcher.advance(state, by: token, bytes: bytes[...]))
                text += bytes
            }
        }
        return states
    }

    @Test("of JSON allow exactly the tokens that can be taken")
    func tokens() throws {
        let vocabulary = SmallVocabulary.json
        var random = SplitMix(seed: 5)
        let schema = """
            {"type": "object", "properties": {"a": {"type": "string", "maxLength": 5}, "b": {"$ref": "#"},
            "c": {"type": ["number", "null"]}, "d": {"type": "array", "items": {"enum": ["x", "xy", 1, true]}}},
            "additionalProperties": {"type": "integer"}}
            """
        let sources: [GrammarSource] = [
            .jsonObject, .jsonSchema(schema), .regex("(\\w{1,4} ){2,5}[^x]*"), .regex("([a-f]|é|日){3,7}.{2,}"),
            .gbnf("root ::= ([^\"] | \"\\\"\\\"\")* \"!\""),
        ]
        for source in sources {
            let matcher = GrammarMatcher(try Grammar(source), vocabulary.trie)
            for _ in 0..<30 {
                var state = matcher.start
                for _ in 0..<60 {
                    let legal = matcher.mask(state).tokens
                    let taken = vocabulary.bytes.indices.filter { token in
                        matcher.advance(state, by: Token(token), bytes: vocabulary.bytes[token][...]) != nil
                    }
                    try #require(legal.map(Int.init) == taken)
                    let token = legal[random.next(below: legal.count)]
                    guard let next = matcher.advance(state, by: token, bytes: vocabulary.bytes[Int(token)][...]),
                        !matcher.isFinal(next)
                    else { break }
                    state = next
                }
            }
        }
    }

    @Test("hold the tokens of one byte that the continuations name, each with the state behind it")
    func continuations() throws {
        let single = SmallVocabulary((UInt8.min ... .max).map { [$0] })
        var random = SplitMix(seed: 6)
        for source: GrammarSource in [.jsonObject, .regex("(\\w{1,4} ){2,5}[^x]*"), .regex("([a-f]|é|日){3,7}.{2,}")] {
            let matcher = GrammarMatcher(try Grammar(source), single.trie)
            var state = matcher.start
            for _ in 0..<100 {
                let groups = matcher.continuations(of: state)
                let bytes = groups.flatMap { $0.bytes.bytes }
                let legal = matcher.mask(state).tokens.filter { $0 != SmallVocabulary.end }
                try #require(bytes.sorted() == legal.map { single.bytes[Int($0)][0] })
                #expect(groups.allSatisfy { $0.bytes.count == $0.bytes.bytes.count })
                #expect(groups.allSatisfy { ($0.bytes.only != nil) == ($0.bytes.count == 1) })
                for group in groups {
                    for byte in group.bytes.bytes {
                        #expect(matcher.advance(state, by: Token(byte) + 1, bytes: [byte]) == group.state)
                    }
                }
                guard !groups.isEmpty else { break }
                state = groups[random.next(below: groups.count)].state
            }
        }
    }

    @Test("of recursive grammars follow what is open")
    func recursion() throws {
        let vocabulary = SmallVocabulary(["(", ")", "((", "))", "()", ")(", "x"])
        let source = GrammarSource.gbnf("root ::= \"(\" root? \")\" # brackets\n")
        let matcher = GrammarMatcher(try Grammar(source), vocabulary.trie)
        var state = matcher.start
        for _ in 0..<100 { state = try #require(matcher.advance(state, by: 1, bytes: vocabulary.bytes[1][...])) }
        for closed in 0..<100 {
            let legal: [Token] = closed == 0 ? [1, 2, 3, 4, 5] : closed < 99 ? [2, 4] : [2]
            #expect(matcher.mask(state).tokens.filter { $0 != 6 } == legal)
            state = try #require(matcher.advance(state, by: 2, bytes: vocabulary.bytes[2][...]))
        }
        #expect(matcher.mask(state).tokens == [SmallVocabulary.end])
        #expect(matcher.isFinal(state))
    }

    @Test("allow no text behind an end token")
    func end() throws {
        let vocabulary = SmallVocabulary(["1", "2"])
        let matcher = GrammarMatcher(try Grammar(.regex("1+")), vocabulary.trie)
        let one = try #require(matcher.advance(matcher.start, by: 1, bytes: vocabulary.bytes[1][...]))
        #expect(matcher.mask(one).tokens == [0, 1])
        let ended = try #require(matcher.advance(one, by: 0, bytes: []))
        #expect(matcher.mask(ended).tokens == [0])
        #expect(matcher.advance(ended, by: 1, bytes: vocabulary.bytes[1][...]) == nil)
        #expect(matcher.advance(matcher.start, by: 0, bytes: []) == nil)
    }

    @Test("keep a space that the text would lose from its beginning")
    func firstSpace() throws {
        let texts = [[], Array(" {".utf8), Array("{".utf8), Array(" ".utf8), Array("}".utf8)]
        let tokens = (1..<5).map { (token: Token($0), bytes: texts[$0][...]) }
        let trie = VocabularyTrie(tokens, vocabularySize: 5, endTokens: [0], dropsFirstSpace: true)
        let matcher = GrammarMatcher(try Grammar(.regex(" ?[{] ?[}]")), trie)
        #expect(matcher.mask(matcher.start).tokens == [2])
        #expect(matcher.advance(matcher.start, by: 1, bytes: texts[1][...]) == nil)
        let open = try #require(matcher.advance(matcher.start, by: 2, bytes: texts[2][...]))
        #expect(matcher.mask(open).tokens == [3, 4])
    }

    @Test("name the bytes that must follow")
    func forced() throws {
        let schema = "{\"properties\": {\"name\": {\"const\": \"x\"}}, \"required\": [\"name\"]}"
        let matcher = GrammarMatcher(try Grammar(.jsonSchema(schema)), SmallVocabulary.json.trie)
        let start = matcher.start
        #expect(String(decoding: matcher.forced(start, limit: 100), as: UTF8.self) == "{")
        let token = try #require(SmallVocabulary.json.bytes.firstIndex(of: Array("{\"".utf8)))
        let open = try #require(matcher.advance(start, by: Token(token), bytes: SmallVocabulary.json.bytes[token][...]))
        #expect(String(decoding: matcher.forced(open, limit: 100), as: UTF8.self) == "name\":")
        #expect(matcher.forced(open, limit: 3).count == 3)
    }
}
