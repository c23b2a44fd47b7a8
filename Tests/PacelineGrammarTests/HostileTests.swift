import Foundation
import PacelineGrammar
import PacelineSpeculation
import Testing

/// Whatever a grammar is, compiling and walking it takes bounded time.
@Suite("Hostile grammars")
struct HostileTests {
    private static let hostile: [(name: String, source: GrammarSource)] = [
        ("counted groups in groups", .regex("((((a{1000}){1000}){1000}){1000}){1000}")),
        ("a pattern with many readings", .regex("(a|a|aa|aaa)*(a|b){1000}c")),
        ("one more", .regex("(.*a){200}")),
        ("optional letters", .regex(String(repeating: "a?", count: 5000))),
        ("deep groups", .regex(String(repeating: "(", count: 5000))),
        ("a rule that begins with itself", .gbnf("root ::= root \"a\" | \"b\"")),
        ("two such rules", .gbnf("root ::= x? y \"a\"\ny ::= root | \"c\"\nx ::= \"b\"")),
        (
            "rules in a row",
            .gbnf("root ::= r0\n" + (0..<5000).map { "r\($0) ::= r\($0 + 1)\n" }.joined() + "r5000 ::= \"a\"")
        ),
        ("a rule without end", .gbnf("root ::= \"a\" root")),
        ("a rule that is not there", .gbnf("root ::= a")),
        ("deep brackets", .gbnf("root ::= " + String(repeating: "(", count: 5000))),
        ("nothing", .gbnf("")),
        ("a choice of nothing", .choice([])),
        ("nested choices", .jsonSchema(nested("{\"anyOf\": [{\"type\": \"null\"}, ", "{}", "]}", 45))),
        ("nested arrays", .jsonSchema(nested("{\"type\": \"array\", \"items\": ", "{}", "}", 5000))),
        ("squares of branches", .jsonSchema(squares)),
        ("classes of letters again and again", .jsonSchema(letters)),
        (
            "lengths upon lengths",
            .jsonSchema("{\"type\": \"string\", \"pattern\": \"(a|b)*a(a|b){30}\", \"maxLength\": 900}")
        ),
        ("references in a circle", .jsonSchema("{\"$ref\": \"#/$defs/a\", \"$defs\": {\"a\": {\"$ref\": \"#\"}}}")),
        ("a large text", .regex(String(repeating: "a", count: 1 << 20))),
        (
            "many properties",
            .jsonSchema("{\"properties\": {\((0..<5000).map { "\"p\($0)\": {}" }.joined(separator: ", "))}}")
        ),
    ]

    private static func nested(_ open: String, _ inner: String, _ close: String, _ depth: Int) -> String {
        String(repeating: open, count: depth) + inner + String(repeating: close, count: depth)
    }

    /// 15,000 alternatives, each with a class of hundreds of ranges.
    private static var letters: String {
        let alternatives = (0..<15_000).map { "\\\\w{1,\($0 % 100 + 1)}é" }
        return "{\"type\": \"string\", \"pattern\": \"(\(alternatives.joined(separator: "|")))\"}"
    }

    /// 20 choices of 8 that must hold together.
    private static var squares: String {
        let choice = "{\"anyOf\": [\((0..<8).map { "{\"minLength\": \($0)}" }.joined(separator: ", "))]}"
        return "{\"type\": \"string\", \"allOf\": [\(Array(repeating: choice, count: 20).joined(separator: ", "))]}"
    }

    @Test("are compiled or refused, and walked, within seconds", arguments: hostile.indices)
    func bounded(index: Int) throws {
        let (name, source) = Self.hostile[index]
        let start = ContinuousClock.now
        if let grammar = try? Grammar(source) {
            let matcher = GrammarMatcher(grammar, SmallVocabulary.json.trie)
            var state = matcher.start
            var random = SplitMix(seed: 1)
            for _ in 0..<20 {
                let legal = matcher.mask(state).tokens.filter { $0 != SmallVocabulary.end }
                guard !legal.isEmpty else { break }
                let token = Int(legal[random.next(below: legal.count)])
                state = try #require(
                    matcher.advance(state, by: Token(token), bytes: SmallVocabulary.json.bytes[token][...])
                )
            }
            #expect(matcher.size < 100_000_000, "\(name)")
        }
        #expect(start.duration(to: .now) < .seconds(20), "\(name)")
    }

    @Test(
        "are refused in one line, whatever they have in theirs",
        arguments: [
            .gbnf("root ::= \"\\\n\""), .gbnf("root ::= \"a\" \u{1b}"),
            .jsonSchema("{\"properties\": {\"a\\nb\": {\"not\": {}}}}"),
            .jsonSchema("{\"type\": \"a\\nb\"}"),
        ] as [GrammarSource]
    )
    func lines(source: GrammarSource) {
        let error = #expect(throws: GrammarError.self) { try Grammar(source) }
        let line = error?.description ?? ""
        #expect(!line.isEmpty && !line.unicodeScalars.contains { $0.value < 32 || $0.value == 0x2028 }, "\(line)")
    }

    /// Mutations of each part; more can be asked for.
    private static let mutations =
        ProcessInfo.processInfo.environment["PACELINE_TEST_SEEDS"].flatMap { Int($0) } ?? 1500

    @Test("cut and mixed in any way do not trap", arguments: 0..<4)
    func mutations(part: UInt64) {
        let seeds =
            Self.hostile.map(\.source).filter { "\($0)".utf8.count < 2000 } + [
                .regex("^(?:a|[^b-d\\w]{2,3})+\\u00e9$"),
                .gbnf("root ::= [a-z]+ (\"x\" | y){2,3} # c\ny ::= \"\\x41\"\n"),
                .jsonSchema(
                    "{\"type\": \"object\", \"properties\": {\"a\": {\"minimum\": -1.5e3}}, \"required\": [\"a\"]}"
                ),
                .jsonSchema("{\"type\": \"array\", \"prefixItems\": [{\"enum\": [1]}], \"items\": {\"$ref\": \"#\"}}"),
            ]
        var random = SplitMix(seed: 90 + part)
        var compiled = 0
        for _ in 0..<Self.mutations {
            let source = seeds[random.next(below: seeds.count)]
            let mutated: GrammarSource =
                switch source {
                case .regex(let text): .regex(Self.mutated(text, &random))
                case .gbnf(let text): .gbnf(Self.mutated(text, &random))
                case .jsonSchema(let text): .jsonSchema(Self.mutated(text, &random))
                default: source
                }
            guard let grammar = try? Grammar(mutated) else { continue }
            compiled += 1
            let automaton = GrammarAutomaton(grammar)
            var state = automaton.start
            for byte in Array("{\"a\": 1}aab".utf8) { state = automaton.next(state, byte) }
        }
        #expect(compiled > Self.mutations / 30)
    }

    private static func mutated(_ text: String, _ random: inout SplitMix) -> String {
        var bytes = Array(text.utf8)
        let pieces = [
            "(", ")", "[", "]", "{", "}", "\\", "^", "$", "*", "{3}", "|", "\"", ",", ":", "9", "-", "é", "\n", "u",
        ]
        for _ in 0...random.next(below: 4) {
            let place = random.next(below: bytes.count + 1)
            switch random.next(below: 4) {
            case 0: bytes.removeSubrange(place..<min(bytes.count, place + 1 + random.next(below: 6)))
            case 1: bytes.insert(contentsOf: pieces[random.next(below: pieces.count)].utf8, at: place)
            case 2:
                let from = random.next(below: bytes.count + 1)
                bytes.insert(contentsOf: bytes[from..<min(bytes.count, from + 10)], at: place)
            default: if place < bytes.count { bytes[place] = UInt8(truncatingIfNeeded: random.next()) }
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
