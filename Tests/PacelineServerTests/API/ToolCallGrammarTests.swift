import HTTPTypes
import PacelineGrammar
import PacelineModel
import PacelineServer
import PacelineSpeculation
import Testing

@testable import PacelineCluster

/// What an answer may be where calls are forced, or have to satisfy their schemas.
@Suite("Calls of tools by grammar")
struct ToolCallGrammarTests {
    /// How a family writes calls, and one of `weather` for Bern as it writes it.
    private struct Family: Sendable, CustomStringConvertible {
        var description: String
        var marker: String
        var call: String
        /// Two calls, where the family can write them.
        var two: String?
    }

    private static let families = [
        Family(
            description: "Hermes",
            marker: "<tool_call>",
            call: "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Bern\"}}\n</tool_call>",
            two: """
                <tool_call>\n{"name": "weather", "arguments": {"city": "Bern"}}\n</tool_call>
                <tool_call>\n{"name": "time", "arguments": {}}\n</tool_call>
                """
        ),
        Family(
            description: "Qwen3-Coder",
            marker: "<function=",
            call: "<tool_call>\n<function=weather>\n<parameter=city>\nBern\n</parameter>\n</function>\n</tool_call>",
            two: """
                <tool_call>\n<function=weather>\n<parameter=city>\nBern\n</parameter>\n</function>\n</tool_call>
                <tool_call>\n<function=time>\n</function>\n</tool_call>
                """
        ),
        Family(
            description: "Llama",
            marker: "<|python_tag|>",
            call: "{\"name\": \"weather\", \"parameters\": {\"city\": \"Bern\"}}"
        ),
        Family(
            description: "Mistral",
            marker: "[TOOL_CALLS]",
            call: "[TOOL_CALLS][{\"name\": \"weather\", \"arguments\": {\"city\": \"Bern\"}}]",
            two: """
                [TOOL_CALLS][{"name": "weather", "arguments": {"city": "Bern"}}, {"name": "time", "arguments": {}}]
                """
        ),
    ]

    /// The answer to a request whose model writes `text`, and the grammar that the verifier was given.
    private static func ask(
        _ family: Family,
        _ fields: String,
        tools: String = CallingModel.tools,
        text: String
    ) async throws -> (answer: JSONObject, source: GrammarSource?) {
        let template = "{% for m in messages %}{{ m.content }}{% endfor %}{# \(family.marker) #}"
        let model = try TestModel.served(template: template)
        let backend = TextBackend(model.tokenizer, [text])
        let body = "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}], \(tools), \(fields)}"
        let answer = try await APICalls(model: model, backend: backend).whole(.chat, body)
        return (answer, backend.requests.first?.constraint?.source)
    }

    private static func allows(_ source: GrammarSource?, _ text: String) throws -> Bool {
        let trie = VocabularyTrie([], vocabularySize: 2, endTokens: [0])
        let matcher = GrammarMatcher(try Grammar(try #require(source)), trie)
        guard !text.isEmpty else { return matcher.isComplete(matcher.start) }
        let end = matcher.advance(matcher.start, by: 1, bytes: Array(text.utf8)[...])
        return end.map(matcher.isComplete) ?? false
    }

    private static let time = #""tool_choice": {"type": "function", "function": {"name": "time"}}"#

    private static let strict = CallingModel.tools
        .replacing(#""name": "weather""#, with: #""name": "weather", "strict": true"#)

    @Test("are what the model's family writes where they are forced, and are read as such", arguments: families)
    private func forms(family: Family) async throws {
        let required = try await Self.ask(family, #""tool_choice": "required""#, text: family.call)
        #expect(try Self.allows(required.source, family.call))
        #expect(try !Self.allows(required.source, "Let me see."))
        #expect(try !Self.allows(required.source, "Let me see. " + family.call))
        let call = required.answer["choices"][0]["message"]["tool_calls"][0]["function"]
        #expect(call["name"].string == "weather" && call["arguments"].string == #"{"city": "Bern"}"#)
        let named = try await Self.ask(family, Self.time, text: family.call)
        #expect(try !Self.allows(named.source, family.call))
    }

    @Test("are several only where they may be", arguments: families)
    private func several(family: Family) async throws {
        guard let two = family.two else { return }
        let required = #""tool_choice": "required""#
        let many = try await Self.ask(family, required, text: two)
        #expect(try Self.allows(many.source, two))
        #expect(many.answer["choices"][0]["message"]["tool_calls"].items.count == 2)
        let one = try await Self.ask(family, required + #", "parallel_tool_calls": false"#, text: two)
        #expect(try !Self.allows(one.source, two))
    }

    @Test("satisfy the schemas of strict tools, behind any text that begins none", arguments: families)
    private func strict(family: Family) async throws {
        let source = try await Self.ask(family, #""tool_choice": "auto""#, tools: Self.strict, text: "a").source
        for text in ["", "Let me see.", "1 < 2 <<t> {}\n<tool> [TOOL] <|p|", "é彼🙂 ", family.call] {
            #expect(try Self.allows(source, text), "\(text)")
        }
        // A Llama calls instead of an answer.
        let behind = family.marker != "<|python_tag|>"
        #expect(try Self.allows(source, "Let me see.\n\n" + family.call) || !behind)
        let wrong = family.call.replacing(#""city": "Bern""#, with: #""city": 1"#)
        #expect(try !Self.allows(source, wrong) || wrong == family.call)
        for text in ["a" + family.marker, family.marker + "{}", family.call.dropLast(2) + "x"] {
            #expect(try !Self.allows(source, text), "\(text)")
        }
    }

    @Test("may come on the way to an answer of a form", arguments: families)
    private func form(family: Family) async throws {
        let form = #""response_format": {"type": "json_schema", "json_schema": {"schema": {"type": "boolean"}}}"#
        let source = try await Self.ask(family, form, text: "true").source
        #expect(try Self.allows(source, "true") && Self.allows(source, family.call))
        #expect(try !Self.allows(source, "Let me see."))
        let alone = try await Self.ask(family, form + #", "tool_choice": "none""#, text: "true").source
        #expect(try Self.allows(alone, "true") && !Self.allows(alone, family.call))
    }

    @Test("have no text that a response_format could hold for where they are forced")
    func forcedBesideForm() async throws {
        let form = #""response_format": {"type": "json_schema", "json_schema": {"schema": {"type": "boolean"}}}"#
        for choice in [#""tool_choice": "required""#, Self.time] {
            let alone = try await Self.ask(Self.families[0], choice, text: "a").source
            let both = try await Self.ask(Self.families[0], choice + ", " + form, text: "a").source
            #expect(alone != nil && both == alone)
        }
    }

    @Test(
        "cannot be forced beside a grammar of the client's own",
        arguments: [
            (#""structured_outputs": {"regex": "a"}"#, "structured_outputs.regex"),
            (#""json_schema": {"type": "boolean"}"#, "json_schema"), (#""grammar": "root ::= \"a\"""#, "grammar"),
        ]
    )
    func forcedBesideGrammar(fields: String, param: String) async throws {
        let error = await #expect(throws: APIError.self) {
            _ = try await Self.ask(Self.families[0], #""tool_choice": "required", "# + fields, text: "a")
        }
        #expect(error?.status == .badRequest && error?.param == param)
    }

    @Test("that no grammar can be made for are refused with the place in their schema, also beside another form")
    func refusals() async throws {
        let tools = Self.strict.replacing(#""type": "string""#, with: #""type": "string", "not": {}"#)
        for fields in [#""tool_choice": "required""#, #""response_format": {"type": "json_object"}"#] {
            await #expect {
                _ = try await Self.ask(Self.families[0], fields, tools: tools, text: "a")
            } throws: { error in
                let refusal = error as? APIError
                return refusal?.param?.hasPrefix("tools[0].function.parameters.properties.") == true
            }
        }
    }

    @Test("are free unless something asks for more")
    func free() async throws {
        for fields in [#""tool_choice": "auto""#, #""tool_choice": "none""#] {
            #expect(try await Self.ask(Self.families[0], fields, text: "a").source == nil)
        }
        let none = try await Self.ask(Self.families[0], #""tool_choice": "none""#, tools: Self.strict, text: "a")
        #expect(none.source == nil)
    }
}
