import HTTPTypes
import PacelineGrammar
import PacelineModel
import PacelineSpeculation
import Testing

@testable import PacelineCluster
@testable import PacelineServer

/// How clients ask for texts of a form, and what they get where that is not possible.
@Suite("Requests for constrained text")
struct ConstraintRequestTests {
    private static let object = #"{"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}"#
    private static let forms: [(fields: String, source: GrammarSource)] = [
        (#""response_format": {"type": "json_object"}"#, .jsonObject),
        (#""response_format": {"type": "json_object", "schema": true}"#, .jsonSchema("true")),
        (
            #""response_format": {"type": "json_schema", "json_schema": {"strict": true, "schema": \#(object)}}"#,
            .jsonSchema(object)
        ),
        (#""json_schema": \#(object)"#, .jsonSchema(object)),
        (#""grammar": "root ::= [ab]+""#, .gbnf("root ::= [ab]+")),
        (#""structured_outputs": {"json": \#(object)}"#, .jsonSchema(object)),
        (#""structured_outputs": {"json": "{\"type\": \"null\"}"}"#, .jsonSchema("{\"type\": \"null\"}")),
        (#""structured_outputs": {"json_object": true}"#, .jsonObject),
        (#""structured_outputs": {"regex": "a+", "json": null}"#, .regex("a+")),
        (#""structured_outputs": {"choice": ["a", "b"]}"#, .choice(["a", "b"])),
        (#""structured_outputs": {"grammar": "root ::= \"a\""}"#, .gbnf("root ::= \"a\"")),
    ]

    @Test("reach the verifier, from chat and completions", arguments: forms.indices)
    func reach(index: Int) async throws {
        let (fields, source) = Self.forms[index]
        let model = try TestModel.served()
        for (endpoint, start) in [
            (APICalls.Endpoint.completions, #""prompt": "a""#),
            (.chat, #""messages": [{"role": "user", "content": "a"}]"#),
        ] {
            let backend = TextBackend(model.tokenizer, ["x"])
            _ = try await APICalls(model: model, backend: backend).whole(endpoint, "{\(start), \(fields)}")
            let constraint = try #require(backend.requests.first?.constraint)
            #expect(constraint.source == source)
            #expect(constraint.beginning == .first)
        }
    }

    @Test("leave the thoughts of a model that thinks free")
    func thoughts() async throws {
        let model = try TestModel.served(template: "{{ messages[0].content }}<think>{# </think> #}")
        let backend = TextBackend(model.tokenizer, ["x"])
        let body = #"{"messages": [{"role": "user", "content": "a"}], "response_format": {"type": "json_object"}}"#
        _ = try await APICalls(model: model, backend: backend).whole(.chat, body)
        #expect(backend.requests.first?.constraint?.beginning == .afterThoughts)
    }

    @Test("are not compiled for a prompt that is too long", arguments: [APICalls.Endpoint.chat, .completions])
    func tooLong(endpoint: APICalls.Endpoint) async throws {
        let model = try TestModel.served(contextLength: 16)
        let calls = APICalls(model: model, backend: TextBackend(model.tokenizer, ["x"]))
        let long = String(repeating: "a b ", count: 40)
        let prompt = #""prompt": "\#(long)", "messages": [{"role": "user", "content": "\#(long)"}]"#
        let error = await #expect(throws: APIError.self) {
            _ = try await calls.whole(endpoint, "{\(prompt), \"json_schema\": {\"not\": {}}}")
        }
        #expect(error?.code == "context_length_exceeded")
    }

    @Test("that pass a limit only together are refused in the name of the part that has the place")
    func parts() {
        let parts = ["city", "odd name", "zone"].enumerated().map { place, name in
            RequestedConstraint(
                .jsonSchema(#"{"properties": {"\#(name)": {"items": [true]}, "same": {}}}"#),
                "tools[\(place)].function.parameters"
            )
        }
        let whole = RequestedConstraint(.sequence([]), "tools", parts: parts)
        for (place, param) in [
            ("$.properties.zone.items[0]", "tools[2].function.parameters.properties.zone.items[0]"),
            (#"$.properties["odd name"]"#, #"tools[1].function.parameters.properties["odd name"]"#),
            // Nobody's, everybody's, and that of all.
            ("$.properties.zone.items[1]", "tools"), ("$.properties.same", "tools"), ("$", "tools"), ("", "tools"),
        ] {
            let refusal = whole.refusal(GrammarError(place, "it is too large"))
            #expect(refusal.param == param)
            #expect(refusal.message.hasPrefix(param.prefix { $0 != "." }) && refusal.message.hasSuffix("too large"))
        }
    }

    private static let unsupported: [(fields: String, param: String, words: String)] = [
        (
            #""response_format": {"type": "json_schema", "json_schema": {"schema": {"items": {"not": 1}}}}"#,
            "response_format.json_schema.schema.items.not", "$.items.not"
        ),
        (
            #""response_format": {"type": "json_schema", "json_schema": {}}"#, "response_format.json_schema.schema",
            "missing"
        ),
        (#""response_format": {"type": "xml"}"#, "response_format.type", "must be"),
        (#""json_schema": {"type": "array", "uniqueItems": true}"#, "json_schema.uniqueItems", "uniqueItems"),
        (#""json_schema": false"#, "json_schema", "no text satisfies"),
        (#""grammar": "root ::= x""#, "grammar", "not defined"),
        (#""grammar": "root ::= \"a\"", "json_schema": true"#, "grammar", "leave one out"),
        (#""structured_outputs": {}"#, "structured_outputs", "give it one"),
        (#""structured_outputs": {"regex": "a", "choice": ["b"]}"#, "structured_outputs", "one of these only"),
        (#""structured_outputs": {"regex": "(?=a)"}"#, "structured_outputs.regex", "looking ahead"),
        (#""structured_outputs": {"choice": [1]}"#, "structured_outputs.choice[0]", "a string"),
        (#""structured_outputs": {"structural_tag": "x"}"#, "structured_outputs.structural_tag", "not supported"),
        (#""json_schema": {"enum": ["a"]}, "seed": 1, "resume": {"tokens": [98]}"#, "resume.tokens", "does not allow"),
    ]

    @Test("that cannot be held are refused with the place", arguments: unsupported.indices)
    func refusals(index: Int) async throws {
        let (fields, param, words) = Self.unsupported[index]
        let model = try TestModel.served()
        let calls = APICalls(model: model, backend: TextBackend(model.tokenizer, ["x"]))
        let error = await #expect(throws: APIError.self) {
            _ = try await calls.whole(.completions, "{\"prompt\": \"a\", \(fields)}")
        }
        #expect(error?.status == .badRequest)
        #expect(error?.param == param)
        #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
    }
}
