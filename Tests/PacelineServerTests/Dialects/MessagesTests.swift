import HTTPTypes
import PacelineCluster
import PacelineServer
import Testing

/// Anthropic's Messages API as a conversion onto chat.
@Suite("The Messages API")
struct MessagesTests {
    private static let path = "/v1/messages"
    private static let tools = """
        "tools": [{"name": "weather", "description": "d", "input_schema": {"type": "object", "properties": {"city": \
        {"type": "string"}}}}]
        """
    static let user = #""messages": [{"role": "user", "content": "q"}], "max_tokens": 300, "seed": 0"#

    private func whole(_ calls: APICalls, _ body: String) async throws -> JSONObject {
        try JSONObject(whole: await calls.dialect(Self.path, body))
    }

    @Test("has thoughts, text and calls as blocks")
    func blocks() async throws {
        let message = try await whole(CallingModel.calls(CallingModel.answer), "{\(Self.user), \(Self.tools)}")
        #expect(message["type"].string == "message" && message["role"].string == "assistant")
        #expect(message["id"].string?.hasPrefix("msg_") == true && message["stop_reason"].string == "tool_use")
        let content = message["content"].items
        #expect(content.map { $0["type"].string } == ["thinking", "text", "tool_use"])
        #expect(content[0]["thinking"].string == "Hm." && content[1]["text"].string == "Let me see.")
        #expect(content[2]["name"].string == "weather" && content[2]["input"]["city"].string == "Zürich")
        #expect(message["usage"]["cache_read_input_tokens"].int == 1)
        #expect((message["usage"]["output_tokens"].int ?? 0) > 20)
    }

    @Test("streams blocks that spell the same message, and counts the prompt's tokens at the start")
    func stream() async throws {
        let count = try await JSONObject(
            whole: CallingModel.calls("").dialect(Self.path + "/count_tokens", "{\(Self.user), \(Self.tools)}")
        )
        for steps in [[1], [3, 1], [1000]] {
            let calls = try CallingModel.calls(CallingModel.answer, steps: steps)
            let events = try await calls.dialectEvents(Self.path, #"{\#(Self.user), \#(Self.tools), "stream": true}"#)
            var names: [String] = []
            for name in events.compactMap({ $0["type"].string }) where names.last != name { names.append(name) }
            let block = ["content_block_start", "content_block_delta", "content_block_stop"]
            #expect(names == ["message_start"] + block + block + block + ["message_delta", "message_stop"])
            #expect(events[0]["message"]["usage"]["input_tokens"].int == count["input_tokens"].int)
            #expect(events[0]["message"]["stop_reason"].isNull && events[0]["message"]["content"].items.isEmpty)
            var texts = ["", "", ""]
            for event in events where event["type"].string == "content_block_delta" {
                let delta = event["delta"]
                texts[event["index"].int ?? 0] +=
                    delta["text"].string ?? delta["thinking"].string ?? delta["partial_json"].string ?? "?"
            }
            #expect(texts == ["Hm.", "Let me see.", #"{"city": "Zürich"}"#])
            let starts = events.filter { $0["type"].string == "content_block_start" }.map { $0["content_block"] }
            #expect(starts.map { $0["type"].string } == ["thinking", "text", "tool_use"])
            #expect(starts[2]["name"].string == "weather" && starts[2]["input"].keys.isEmpty)
            let delta = events[events.count - 2]
            #expect(delta["delta"]["stop_reason"].string == "tool_use")
            #expect((delta["usage"]["output_tokens"].int ?? 0) > 20)
        }
    }

    @Test(
        "says why it ended",
        arguments: [
            ("", "end_turn", nil), (#", "stop_sequences": ["xx", "cd"]"#, "stop_sequence", "cd"),
            (#", "stop_sequences": ["xx"]"#, "end_turn", nil),
        ]
    )
    func ends(fields: String, reason: String, stop: String?) async throws {
        let message = try await whole(CallingModel.calls("abcdef"), "{\(Self.user)\(fields)}")
        #expect(message["stop_reason"].string == reason && message["stop_sequence"].string == stop)
        let events = try await CallingModel.calls("abcdef")
            .dialectEvents(Self.path, #"{\#(Self.user), "stream": true\#(fields)}"#)
        let delta = events[events.count - 2]["delta"]
        #expect(delta["stop_reason"].string == reason && delta["stop_sequence"].string == stop)
    }

    @Test("ends at its limit of tokens")
    func limit() async throws {
        let body = #"{"messages": [{"role": "user", "content": "q"}], "max_tokens": 2, "seed": 0}"#
        #expect(try await whole(CallingModel.calls("abcdef"), body)["stop_reason"].string == "max_tokens")
    }

    @Test("shows the model blocks as the messages that they stand for, and goes on with an assistant's last one")
    func input() async throws {
        let body = """
            {"system": [{"type": "text", "text": "be kind", "cache_control": {"type": "ephemeral"}}], "messages": [
              {"role": "user", "content": "q"}, {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "hm", "signature": ""}, {"type": "text", "text": "I look."},
                {"type": "tool_use", "id": "abcdefghi", "name": "weather", "input": {"city": "X"}}]},
              {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "abcdefghi", "content": [
                {"type": "text", "text": "sunny"}]}, {"type": "text", "text": "and?"}]},
              {"role": "assistant", "content": "It is"}], "max_tokens": 5, \(Self.tools)}
            """
        let chat = """
            {"messages": [{"role": "system", "content": "be kind"}, {"role": "user", "content": "q"},
              {"role": "assistant", "reasoning_content": "hm", "content": "I look.", "tool_calls": [{"id": "abcdefghi",
              "type": "function", "function": {"name": "weather", "arguments": "{\\"city\\": \\"X\\"}"}}]},
              {"role": "tool", "tool_call_id": "abcdefghi", "name": "weather", "content": "sunny"},
              {"role": "user", "content": "and?"}, {"role": "assistant", "content": "It is"}],
             "tools": [{"type": "function", "function": {"name": "weather", "description": "d", "parameters":
             {"type": "object", "properties": {"city": {"type": "string"}}}}}]}
            """
        let calls = try CallingModel.calls("abc")
        let count = try await JSONObject(whole: calls.dialect(Self.path + "/count_tokens", body))
        #expect(count["input_tokens"].int == (try await calls.whole(.inputTokens, chat)["input_tokens"].int))
        #expect(count.keys == ["input_tokens"])
    }

    @Test(
        "refuses what nobody does here by the names of its own fields",
        arguments: [
            (#""messages": [{"role": "user", "content": "q"}]"#, "max_tokens", "missing"),
            (#""messages": []"#, "messages", "empty"),
            (#""messages": [{"role": "tool", "content": "q"}]"#, "messages[0].role", "user or assistant"),
            (#""messages": [{"role": "user", "content": [{"type": "image"}]}]"#, "messages[0].content[0].type", "text"),
            (#""messages": [{"role": "user", "content": "q"}], "max_tokens": 0"#, "max_tokens", "at least 1"),
            (
                #""messages": [{"role": "user", "content": "q"}], "max_tokens": 9, "stop_sequences": [""]"#,
                "stop_sequences",
                "empty string"
            ),
            (
                #""messages": [{"role": "user", "content": "q"}], "tools": [{"type": "bash_2025", "name": "bash"}]"#,
                "tools[0].type", "client runs"
            ),
            (
                #""messages": [{"role": "user", "content": "q"}], "tool_choice": {"type": "maybe"}"#,
                "tool_choice.type",
                "auto, any, tool or none"
            ),
        ]
    )
    func refusals(fields: String, param: String, words: String) async throws {
        let calls = try CallingModel.calls("abc")
        let error = await #expect(throws: APIError.self) { try await calls.dialect(Self.path, "{\(fields)}") }
        #expect(error?.status == .badRequest && error?.param == param, "\(error.map { "\($0)" } ?? "")")
        #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
    }

    @Test("tells of errors in Anthropic's words")
    func errors() async throws {
        try await ServerHarness.run(.hello) { address in
            func exchange(_ path: String, _ body: String) async throws -> String {
                try await RawClient(address).exchange(RawClient.post(path, body))
            }
            let bad = try await exchange("/v1/messages", #"{"messages": 1}"#)
            #expect(bad.hasPrefix("HTTP/1.1 400"))
            #expect(
                bad.contains(#"{"type":"error","error":{"type":"invalid_request_error","message":"messages must be"#)
            )
            let body = #"{"model": "x", "messages": [{"role": "user", "content": "q"}], "max_tokens": 3}"#
            let unknown = try await exchange("/v1/messages", body)
            #expect(unknown.hasPrefix("HTTP/1.1 404") && unknown.contains(#""error":{"type":"not_found_error""#))
            #expect(try await exchange("/v1/messages/batches", "{}").contains(#""type":"not_found_error""#))
            #expect(
                try await exchange("/v1/responses", "{}").contains(
                    #"{"error":{"code":null,"message":"input is missing"#
                )
            )
        }
    }

    @Test("tells of faults in a stream with an event, and sends pings as Anthropic does")
    func faults() async throws {
        let model = try TestModel.served()
        let backend = ScriptedBackend([
            // Until the head of the answer has to be sent.
            .hold, .event(.failed(.overloaded(running: 1, waiting: 1))),
        ])
        let body = #"{\#(Self.user), "stream": true, "sse_ping_interval": 0.1}"#
        let text = try await APICalls(model: model, backend: backend).dialectText(Self.path, body)
        #expect(text.hasPrefix("event: ping\ndata: {\"type\":\"ping\"}\n\n"))
        #expect(text.contains("event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\""))
        #expect(!text.contains("message_stop"))
    }
}
