import PacelineGrammar
import PacelineSpeculation
import Testing

@Suite("Grammars with many alternatives")
struct WideGrammarTests {
    /// Each with as many alternatives as asked for, which begin alike, and the text of each.
    private static let kinds: [(name: String, make: @Sendable (Int) -> (GrammarSource, @Sendable (Int) -> String))] = [
        (
            "a notation",
            { count in
                let alternatives = (0..<count).map { "\"w\($0)\" [a-z]" }
                return (.gbnf("root ::= \(alternatives.joined(separator: " | "))"), { "w\($0)q" })
            }
        ),
        (
            "an expression",
            { count in (.regex("(" + (0..<count).map { "w\($0)[a-z]" }.joined(separator: "|") + ")"), { "w\($0)q" }) }
        ),
        (
            "a schema",
            { count in
                let branches = (0..<count).map { number in
                    "{\"type\": \"object\", \"properties\": {\"k\": {\"const\": \(number)}, \"v\": "
                        + "{\"type\": \"string\"}}, \"required\": [\"k\", \"v\"]}"
                }
                return (
                    .jsonSchema("{\"anyOf\": [\(branches.joined(separator: ", "))]}"),
                    { "{\"k\": \($0), \"v\": \"text\"}" }
                )
            }
        ),
    ]

    @Test("lose none of them", arguments: kinds.indices, [501, 800])
    func complete(kind: Int, count: Int) throws {
        let (source, text) = Self.kinds[kind].make(count)
        let matcher = GrammarMatcher(try Grammar(source), SmallVocabulary.json.trie)
        for number in Array(stride(from: 0, to: count, by: 17)) + [count - 1] {
            var state = matcher.start
            for byte in text(number).utf8 {
                let token = try #require(SmallVocabulary.json.bytes.firstIndex(of: [byte]))
                state = try #require(
                    matcher.advance(state, by: Token(token), bytes: [byte]),
                    "\(Self.kinds[kind].name) of \(count): \(text(number))"
                )
            }
            #expect(matcher.isComplete(state))
        }
    }

    @Test("are refused where they are too many")
    func refused() {
        for (name, make) in Self.kinds.dropLast() {
            let error = #expect(throws: GrammarError.self) { try Grammar(make(4097).0) }
            #expect(error?.description.contains("4096") == true, "\(name): \(error?.description ?? "")")
        }
        let branches = (0..<4097).map { "{\"const\": \($0)}" }.joined(separator: ", ")
        let error = #expect(throws: GrammarError.self) { try Grammar(.jsonSchema("{\"anyOf\": [\(branches)]}")) }
        #expect(error?.place == "$.anyOf" && error?.description.contains("4096") == true)
    }
}
