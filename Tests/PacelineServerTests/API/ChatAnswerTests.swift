import PacelineCluster
import PacelineServer
import PacelineSpeculation
import PacelineTestKit
import Testing

@Suite("Answers of chat")
struct ChatAnswerTests {
    private static let message = #""messages": [{"role": "user", "content": "Hi"}], "seed": 0"#

    private func calls(_ texts: [String], template: String = TinyModel.chatML) throws -> APICalls {
        let model = try TestModel.served(names: ["tiny", "alias"], template: template)
        return APICalls(model: model, backend: TextBackend(model.tokenizer, texts))
    }

    @Test("are streamed chunk by chunk as clients expect")
    func stream() async throws {
        let calls = try calls(["Hello to you"])
        let events = try await calls.events(.chat, "{\(Self.message), \"stream\": true}")
        let chunks = try events.map { try JSONObject($0) }
        #expect(events[0].contains(#""delta":{"role":"assistant","content":""}"#))
        #expect(events.dropFirst().allSatisfy { !$0.contains("role") && !$0.contains("usage") })
        for key in ["id", "model", "system_fingerprint"] { #expect(Set(chunks.map { $0[key].string }).count == 1) }
        #expect(
            Set(chunks.map { $0["created"].int }).count == 1 && chunks[0]["id"].string?.hasPrefix("chatcmpl-") == true
        )
        #expect(chunks.allSatisfy { $0["object"].string == "chat.completion.chunk" && $0["choices"].items.count == 1 })
        #expect(chunks.allSatisfy { $0["choices"][0]["index"].int == 0 && $0["choices"][0]["logprobs"].isNull })
        #expect(chunks.dropLast().allSatisfy { $0["choices"][0]["finish_reason"].isNull })
        #expect(chunks.map { $0["choices"][0]["delta"]["content"].string ?? "" }.joined() == "Hello to you")
        let last = try #require(chunks.last)
        #expect(last["choices"][0]["finish_reason"].string == "stop" && last["choices"][0]["delta"].keys.isEmpty)
        let timings = [
            "cache_n", "draft_n", "draft_n_accepted", "predicted_ms", "predicted_n", "predicted_per_second",
            "prompt_ms", "prompt_n",
        ]
        #expect(last["timings"].keys == timings)
    }

    @Test("tell the token counts in a chunk without choices, and only if the client asks")
    func usage() async throws {
        let calls = try calls(["Hello to you"])
        let body = "{\(Self.message), \"stream\": true, \"stream_options\": {\"include_usage\": true}}"
        let chunks = try await calls.chunks(.chat, body)
        #expect(chunks.dropLast().allSatisfy { $0["usage"].isAbsent && !$0["choices"].items.isEmpty })
        let last = try #require(chunks.last)
        #expect(last["choices"].items.isEmpty && !last["choices"].isAbsent)
        let usage = last["usage"]
        let prompt = try #require(usage["prompt_tokens"].int), completion = try #require(usage["completion_tokens"].int)
        #expect(usage["total_tokens"].int == prompt + completion)
        #expect(usage["prompt_tokens_details"]["cached_tokens"].int == 1 && usage["completion_tokens_details"].isAbsent)
        #expect(last["timings"]["predicted_n"].int == completion && last["timings"]["prompt_n"].int == prompt - 1)
    }

    @Test("are the same whole as streamed")
    func whole() async throws {
        let answer = try await calls(["Hello to you"]).whole(.chat, "{\(Self.message), \"model\": \"alias\"}")
        #expect(answer["object"].string == "chat.completion" && answer["model"].string == "alias")
        let choice = answer["choices"][0]
        #expect(
            choice["message"]["content"].string == "Hello to you" && choice["message"]["role"].string == "assistant"
        )
        #expect(choice["finish_reason"].string == "stop" && choice["logprobs"].isNull)
        #expect(answer["usage"]["completion_tokens"].int == answer["timings"]["predicted_n"].int)
        #expect(answer["workers"].isAbsent && answer["spec_decode"].isAbsent && choice["token_ids"].isAbsent)
    }

    @Test("of several choices have the seeds one after the other, from the last to the first")
    func choices() async throws {
        let calls = try calls(["one", "two", "three"])
        let backend = try #require(calls.backend as? TextBackend)
        let message = #""messages": [{"role": "user", "content": "Hi"}], "seed": -2, "n": 3"#
        let answer = try await calls.whole(.chat, "{\(message)}")
        #expect(backend.requests.map(\.sampling.seed) == [.max - 1, .max, 0])
        let texts = backend.requests.map { ["one", "two", "three"][Int($0.sampling.seed % 3)] }
        #expect(answer["choices"].items.map { $0["message"]["content"].string } == texts)
        #expect(answer["choices"].items.map { $0["index"].int } == [0, 1, 2])
        #expect(answer["usage"]["prompt_tokens"].int == backend.requests[0].prompt.count)
        let chunks = try await calls.chunks(.chat, "{\(message), \"stream\": true}")
        for choice in 0..<3 {
            let own = chunks.filter { $0["choices"][0]["index"].int == choice }.map { $0["choices"][0] }
            #expect(own[0]["delta"]["role"].string == "assistant")
            #expect(own.map { $0["delta"]["content"].string ?? "" }.joined() == texts[choice])
            #expect(own.last?["finish_reason"].string == "stop")
        }
        #expect(chunks.filter { !$0["timings"].isAbsent }.count == 1 && chunks.last?["timings"].isAbsent == false)
    }

    @Test("list the log-probability of every token, with its bytes")
    func logProbabilities() async throws {
        let calls = try calls(["Hé!"])
        let body = "{\(Self.message), \"logprobs\": true, \"top_logprobs\": 2, \"max_tokens\": 4}"
        let whole = try await calls.whole(.chat, body)["choices"][0]["logprobs"]
        let items = whole["content"].items
        #expect(items.count == 4 && whole["refusal"].isNull)
        #expect(items.flatMap { $0["bytes"].ints } == Array("Hé!".utf8).map(Int.init))
        #expect(items.map { $0["token"].string } == ["H", #"bytes:\xc3"#, #"bytes:\xa9"#, "!"])
        #expect(items.allSatisfy { $0["top_logprobs"].items.count == 2 })
        #expect(items.allSatisfy { $0["logprob"].double == $0["top_logprobs"][0]["logprob"].double })
        let chunks = try await calls.chunks(.chat, body.dropLast() + ", \"stream\": true}")
        let streamed = chunks.flatMap { $0["choices"][0]["logprobs"]["content"].items }
        #expect(streamed.map { $0["token"].string } == items.map { $0["token"].string })
    }

    private static let thinking = """
        {% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}\
        {% if add_generation_prompt %}<|im_start|>assistant\n\
        {% if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n{% endif %}{% endif %}
        """

    @Test("keep thoughts apart, if the model's template knows them")
    func reasoning() async throws {
        let text = "<think>\nWell.\n</think>\n\nFine <think>"
        let calls = try calls([text], template: Self.thinking)
        let answer = try await calls.whole(.chat, "{\(Self.message)}")["choices"][0]["message"]
        #expect(answer["reasoning_content"].string == "Well." && answer["content"].string == "Fine <think>")
        let chunks = try await calls.chunks(.chat, "{\(Self.message), \"stream\": true}")
        let deltas = chunks.map { $0["choices"][0]["delta"] }
        #expect(deltas.map { $0["reasoning_content"].string ?? "" }.joined() == "Well.")
        #expect(deltas.map { $0["content"].string ?? "" }.joined() == "Fine <think>")
        #expect(deltas.allSatisfy { $0["content"].isAbsent || $0["reasoning_content"].isAbsent })
        for extra in [#""reasoning_format": "none""#, #""chat_template_kwargs": {"enable_thinking": false}"#] {
            let plain = try await calls.whole(.chat, "{\(Self.message), \(extra)}")["choices"][0]["message"]
            #expect(plain["content"].string == text && plain["reasoning_content"].isAbsent, "\(extra)")
        }
        let other = try await self.calls([text]).whole(.chat, "{\(Self.message)}")
        #expect(other["choices"][0]["message"]["content"].string == text)
    }

    @Test("have token ids, drafts and workers for those who ask")
    func extras() async throws {
        let calls = try calls(["Hello"])
        let backend = try #require(calls.backend as? TextBackend)
        let body = "{\(Self.message), \"return_token_ids\": true, \"return_spec_decode\": true}"
        let answer = try await calls.whole(.chat, body)
        let tokens = backend.tokens(for: backend.requests[0]).map(Int.init)
        #expect(answer["choices"][0]["token_ids"].ints == tokens)
        #expect(answer["prompt_token_ids"].ints == backend.requests[0].prompt.map(Int.init))
        #expect(answer["workers"][0]["drafter"].string == "ngram" && answer["spec_decode"]["num_drafts"].int == 1)
        let chunks = try await calls.chunks(.chat, body.dropLast() + ", \"stream\": true}")
        #expect(chunks.flatMap { $0["choices"][0]["token_ids"].ints } == tokens)
        #expect(chunks.filter { !$0["prompt_token_ids"].isAbsent }.count == 1)
    }

    @Test("continue a last message of the assistant")
    func continuation() async throws {
        let calls = try calls(["rest"])
        let messages = #"[{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "On<|im_end|>ce"}]"#
        func prompt(_ extra: String = "") async throws -> String? {
            try await calls.whole(.applyTemplate, "{\"messages\": \(messages)\(extra)}")["prompt"].string
        }
        let user = "<|im_start|>user\nHi<|im_end|>\n", open = "<|im_start|>assistant\n", text = "On<|im_end|>ce"
        #expect(try await prompt() == user + open + text)
        #expect(try await prompt(", \"continue_final_message\": true") == user + open + text)
        let closed = user + open + text + "<|im_end|>\n"
        #expect(try await prompt(", \"add_generation_prompt\": true") == closed + open)
        #expect(try await prompt(", \"add_generation_prompt\": false") == closed)
        let backend = try #require(calls.backend as? TextBackend)
        _ = try await calls.whole(.chat, "{\"messages\": \(messages)}")
        let end = TinyVocabulary.shared.controlTokens[2]
        #expect(backend.requests[0].prompt.filter { $0 == end }.count == 1, "a message forged the end of a turn")
    }
}
