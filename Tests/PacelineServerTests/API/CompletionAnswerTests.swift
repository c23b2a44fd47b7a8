import HTTPTypes
import NIOCore
import PacelineCluster
import PacelineModel
import PacelineServer
import PacelineSpeculation
import PacelineTestKit
import Testing

@Suite("Answers of completions")
struct CompletionAnswerTests {
    private func calls(_ texts: [String], infill: Bool = false) throws -> (calls: APICalls, backend: TextBackend) {
        let model = try TestModel.served(infill: infill)
        let backend = TextBackend(model.tokenizer, texts)
        return (APICalls(model: model, backend: backend), backend)
    }

    @Test("are streamed with explicit nulls and a last chunk without text")
    func stream() async throws {
        let events = try await calls(["abc"]).calls.events(.completions, #"{"prompt": "x", "stream": true}"#)
        #expect(events.dropLast().allSatisfy { $0.contains(#""logprobs":null,"finish_reason":null"#) })
        #expect(events.last?.contains(#""index":0,"text":"","logprobs":null,"finish_reason":"stop""#) == true)
        let chunks = try events.map { try JSONObject($0) }
        #expect(chunks.map { $0["choices"][0]["text"].string ?? "" }.joined() == "abc")
        #expect(chunks.allSatisfy { $0["object"].string == "text_completion" && $0["usage"].isAbsent })
    }

    @Test("of several prompts and choices stand in the order of the prompts, each as if asked alone")
    func batch() async throws {
        let (calls, backend) = try calls(["zero", "one"])
        let body = #"{"prompt": ["a", [5, 6]], "n": 2, "seed": 4, "max_tokens": 9}"#
        let answer = try await calls.whole(.completions, body)
        #expect(answer["choices"].items.map { $0["index"].int } == [0, 1, 2, 3])
        #expect(answer["choices"].items.map { $0["text"].string } == ["zero", "one", "zero", "one"])
        #expect(backend.requests.map(\.prompt).suffix(2) == [[5, 6], [5, 6]])
        #expect(backend.requests.map(\.sampling.seed) == [4, 5, 4, 5])
        #expect(answer["usage"]["prompt_tokens"].int == 3)
        let chunks = try await calls.chunks(.completions, body.dropLast() + #", "stream": true}"#)
        for choice in 0..<4 {
            let own = chunks.filter { $0["choices"][0]["index"].int == choice }
            #expect(own.map { $0["choices"][0]["text"].string ?? "" }.joined() == ["zero", "one"][choice % 2])
        }
    }

    @Test("list tokens, log-probabilities and offsets, with and without the prompt")
    func logProbabilities() async throws {
        let (calls, _) = try calls(["dé"])
        let plain = try await calls.whole(.completions, #"{"prompt": "abc", "logprobs": 0, "max_tokens": 3}"#)
        let list = plain["choices"][0]["logprobs"]
        #expect(list["tokens"].items.map(\.string) == ["d", #"bytes:\xc3"#, #"bytes:\xa9"#])
        #expect(list["text_offset"].ints == [0, 1, 1])
        for place in 0..<3 {
            let top = list["top_logprobs"][place], token = try #require(list["tokens"][place].string)
            #expect(top.keys == [token] && top[token].double == list["token_logprobs"][place].double)
        }
        let echo = #"{"prompt": "abc", "logprobs": 1, "echo": true, "max_tokens": 3"#
        let answer = try await calls.whole(.completions, echo + "}")["choices"][0]
        #expect(answer["text"].string == "abcdé")
        #expect(answer["logprobs"]["tokens"].items.map(\.string).prefix(4) == ["a", "b", "c", "d"])
        #expect(answer["logprobs"]["token_logprobs"][0].isNull && answer["logprobs"]["top_logprobs"][0].isNull)
        #expect(answer["logprobs"]["text_offset"].ints == [0, 1, 2, 3, 4, 4])
        let chunks = try await calls.chunks(.completions, echo + #", "stream": true}"#)
        #expect(chunks.map { $0["choices"][0]["text"].string ?? "" }.joined() == "abcdé")
        #expect(chunks.flatMap { $0["choices"][0]["logprobs"]["text_offset"].ints } == [0, 1, 2, 3, 4, 4])
    }

    @Test("repeat the prompt alone if no token is wanted")
    func echoAlone() async throws {
        let (calls, backend) = try calls(["d"])
        let body = #"{"prompt": "abc", "logprobs": 1, "echo": true, "max_tokens": 0"#
        let answer = try await calls.whole(.completions, body + "}")
        #expect(answer["choices"][0]["text"].string == "abc" && answer["usage"]["completion_tokens"].int == 0)
        #expect(answer["choices"][0]["logprobs"]["tokens"].items.count == 3)
        #expect(backend.requests[0].maximumTokens == 1)
        let chunks = try await calls.chunks(.completions, body + #", "stream": true}"#)
        #expect(chunks.map { $0["choices"][0]["text"].string ?? "" }.joined() == "abc")
    }

    @Test("fill a gap with the tokens that the model has for it")
    func suffix() async throws {
        let (calls, backend) = try calls(["b"], infill: true)
        _ = try await calls.whole(.completions, #"{"prompt": "a<|im_end|>", "suffix": "c"}"#)
        let tokens = TestModel.infillTokens.map { Token($0) }
        let tokenizer = calls.model.tokenizer
        let before = tokenizer.encode("a<|im_end|>", parseSpecial: false), after = tokenizer.encode("c")
        #expect(backend.requests[0].prompt == [tokens[0]] + before + [tokens[1]] + after + [tokens[2]])
    }

    @Test("that fail after the start end with the error and the mark of the end")
    func lateFault() async throws {
        let model = try TestModel.served()
        let backend = ScriptedBackend([
            .event(.tokens(.init([5], text: "a"))), .event(.failed(.engine("it broke"))),
        ])
        let calls = APICalls(model: model, backend: backend)
        let events = try await calls.events(.completions, #"{"prompt": [1], "stream": true}"#)
        let error = try JSONObject(try #require(events.last))["error"]
        #expect(error.keys == ["code", "message", "param", "type"])
        #expect(error["message"].string?.contains("it broke") == true && events.count == 2)
    }

    @Test("that are refused have their own status, before anything is sent")
    func refusal() async throws {
        for stream in [true, false] {
            let backend = ScriptedBackend([.event(.failed(.overloaded(running: 4, waiting: 9)))])
            let calls = APICalls(model: try TestModel.served(), backend: backend)
            let error = await #expect(throws: APIError.self) {
                try await calls.reply(.completions, "{\"prompt\": [1], \"stream\": \(stream)}")
            }
            #expect(error?.status.code == 429 && error?.retryAfter == 1)
        }
    }

    @Test("that wait begin with a comment, and lose nothing", .timeLimit(.minutes(5)))
    func pings() async throws {
        // The first event comes once the patience for it has ended, however long that takes.
        let backend = ScriptedBackend([
            .hold, .event(.tokens(.init([5], text: "a"))), .event(.finished(ScriptedBackend.summary)),
        ])
        let calls = APICalls(model: try TestModel.served(), backend: backend)
        let body = #"{"prompt": [1], "stream": true, "sse_ping_interval": 0.2}"#
        guard case .events(_, let write) = try await calls.reply(.completions, body) else { throw WrongReply() }
        let (lines, source) = AsyncStream.makeStream(of: String.self)
        try await write(EventWriter { source.yield(String(buffer: $0)) })
        source.finish()
        let sent = await lines.reduce(into: []) { $0.append($1) }
        #expect(sent.first?.hasPrefix(":") == true)
        #expect(sent.filter { $0.hasPrefix("data:") }.count == 3, "\(sent)")
    }

    @Test("that nobody reads any more cancel every generation")
    func cancellation() async throws {
        struct Gone: Error {}
        let backend = ScriptedBackend([.event(.tokens(.init([5], text: "a"))), .hold])
        let calls = APICalls(model: try TestModel.served(), backend: backend)
        let body = #"{"prompt": [1], "stream": true, "n": 3}"#
        guard case .events(_, let write) = try await calls.reply(.completions, body) else { throw WrongReply() }
        await #expect(throws: Gone.self) { try await write(EventWriter { _ in throw Gone() }) }
        for _ in 0..<3 { #expect(await backend.ending() == .cancelled) }
    }
}
