import PacelineCluster
import PacelineModel
import PacelineServer
import PacelineSpeculation
import PacelineTestKit
import Testing

/// A stream that was cut goes on as if it had not been.
@Suite("Resumed answers")
struct ResumeTests {
    private struct Stream {
        var text = ""
        var reasoning = ""
        var tokens: [Int] = []
        var offsets: [Int] = []
        var reasons: [String] = []
        var usage: Int?

        mutating func take(_ chunk: JSONObject) {
            let choice = chunk["choices"][0]
            text += choice["text"].string ?? choice["delta"]["content"].string ?? ""
            reasoning += choice["delta"]["reasoning_content"].string ?? ""
            tokens += choice["token_ids"].ints
            offsets += choice["logprobs"]["text_offset"].ints
            if let reason = choice["finish_reason"].string { reasons.append(reason) }
            usage = chunk["usage"]["completion_tokens"].int ?? usage
        }
    }

    private static let template = """
        {% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}\
        {% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}{# </think> #}
        """

    private static let text = "<think>\nLet me séé…\n</think>\n\nThe stop comes STOPhere, and then some mor€."

    /// What each token made certain, for every cut: the text of the first k tokens and that of the rest.
    private func check(
        _ endpoint: APICalls.Endpoint,
        _ fields: String,
        _ source: SourceLocation = #_sourceLocation
    ) async throws {
        let model = try TestModel.served(template: Self.template)
        let common =
            "\(fields), \"stream\": true, \"return_token_ids\": true, \"seed\": 0, \"max_tokens\": 300, "
            + "\"stream_options\": {\"include_usage\": true}"
        func run(_ steps: [Int], _ extra: String = "") async throws -> Stream {
            let calls = APICalls(model: model, backend: TextBackend(model.tokenizer, [Self.text], steps: steps))
            var stream = Stream()
            for chunk in try await calls.chunks(endpoint, "{\(common)\(extra)}") { stream.take(chunk) }
            return stream
        }
        // One token at a time shows what is certain after each.
        let calls = APICalls(model: model, backend: TextBackend(model.tokenizer, [Self.text], steps: [1]))
        let chunks = try await calls.chunks(endpoint, "{\(common)}")
        let whole = try await run([2, 5])
        var given = Stream()
        var cuts: [Stream] = [given]
        for chunk in chunks {
            let before = given.tokens.count
            given.take(chunk)
            if given.tokens.count > before { cuts.append(given) } else { cuts[cuts.count - 1] = given }
        }
        #expect(given.text == whole.text && given.tokens == whole.tokens, sourceLocation: source)
        for cut in cuts {
            let resume = ", \"resume\": {\"tokens\": [\(cut.tokens.map { "\($0)" }.joined(separator: ", "))]}"
            let rest = try await run([3, 1], resume)
            let isEnd = cut.tokens.count == whole.tokens.count
            #expect(isEnd || cut.text + rest.text == whole.text, "cut at \(cut.tokens.count)", sourceLocation: source)
            #expect(isEnd || cut.reasoning + rest.reasoning == whole.reasoning, sourceLocation: source)
            #expect(cut.tokens + rest.tokens == whole.tokens && cut.offsets + rest.offsets == whole.offsets)
            #expect(rest.reasons == whole.reasons && rest.usage == whole.usage, sourceLocation: source)
        }
    }

    @Test("of completions are equal to the rest, for every cut")
    func completions() async throws {
        try await check(.completions, #""prompt": "a""#)
        try await check(.completions, #""prompt": "ab", "logprobs": 1"#)
        try await check(.completions, #""prompt": "ab", "logprobs": 1, "echo": true"#)
    }

    @Test("with stop strings are equal to the rest, for every cut")
    func stops() async throws {
        try await check(.completions, #""prompt": "a", "stop": ["STOP", "here"]"#)
        try await check(.completions, #""prompt": "a", "stop": ["me", " and"], "min_tokens": 40"#)
        try await check(.chat, #""messages": [{"role": "user", "content": "a"}], "stop": "STOPhere""#)
    }

    @Test("of chat are equal to the rest, thoughts included, and do not say again who speaks")
    func chat() async throws {
        try await check(.chat, #""messages": [{"role": "user", "content": "a"}]"#)
        let model = try TestModel.served()
        let calls = APICalls(model: model, backend: TextBackend(model.tokenizer, ["abc"]))
        let body = """
            {"messages": [{"role": "user", "content": "a"}], "stream": true, "seed": 0,
             "resume": {"tokens": [\(model.tokenizer.encode("a")[0])], "id": "chatcmpl-old", "created": 7}}
            """
        let chunks = try await calls.chunks(.chat, body)
        #expect(chunks.allSatisfy { $0["id"].string == "chatcmpl-old" && $0["created"].int == 7 })
        #expect(chunks.allSatisfy { $0["choices"][0]["delta"]["role"].isAbsent })
        #expect(chunks.map { $0["choices"][0]["delta"]["content"].string ?? "" }.joined() == "bc")
    }

    @Test("of several choices go on behind the tokens of each")
    func choices() async throws {
        let model = try TestModel.served()
        let backend = TextBackend(model.tokenizer, ["abc", "xyz"])
        let (first, second) = (model.tokenizer.encode("ab"), model.tokenizer.encode("x"))
        let body = "{\"prompt\": \"q\", \"n\": 2, \"seed\": 0, \"resume\": {\"tokens\": [\(first), \(second)]}}"
        let answer = try await APICalls(model: model, backend: backend).whole(.completions, body)
        #expect(answer["choices"].items.map { $0["text"].string } == ["c", "yz"])
        #expect(answer["usage"]["completion_tokens"].int == 8)
    }
}
