import HTTPTypes
import PacelineServer
import Testing

/// OpenAI's Responses API as a conversion onto chat.
@Suite("The Responses API")
struct ResponsesTests {
    private static let path = "/v1/responses"
    private static let tools = """
        "tools": [{"type": "function", "name": "weather", "parameters": {"type": "object", "properties": {"city": \
        {"type": "string"}}}}]
        """

    private func whole(_ calls: APICalls, _ body: String) async throws -> JSONObject {
        try JSONObject(whole: await calls.dialect(Self.path, body))
    }

    @Test("has thoughts, text and calls as items of their own")
    func items() async throws {
        let body = #"{"input": "hi", "instructions": "be kind", "seed": 0, "temperature": 0.5, \#(Self.tools)}"#
        let response = try await whole(CallingModel.calls(CallingModel.answer), body)
        #expect(response["object"].string == "response" && response["status"].string == "completed")
        #expect(response["id"].string?.hasPrefix("resp_") == true && response["store"].string == nil)
        #expect(response["instructions"].string == "be kind" && response["temperature"].double == 0.5)
        let output = response["output"].items
        #expect(output.map { $0["type"].string } == ["reasoning", "message", "function_call"])
        #expect(output[0]["content"][0]["text"].string == "Hm.")
        #expect(output[1]["content"][0]["text"].string == "Let me see.")
        #expect(output[1]["status"].string == "completed" && output[1]["role"].string == "assistant")
        #expect(output[2]["name"].string == "weather" && output[2]["arguments"].string == #"{"city": "Zürich"}"#)
        #expect(output[2]["call_id"].string?.count == 9)
        #expect(Set(output.compactMap { $0["id"].string }).count == 3)
        let usage = response["usage"]
        #expect(usage["total_tokens"].int == (usage["input_tokens"].int ?? 0) + (usage["output_tokens"].int ?? 0))
        #expect(usage["input_tokens_details"]["cached_tokens"].int == 1)
    }

    @Test("streams events with numbers that count up, which spell the same answer")
    func stream() async throws {
        let body = #"{"input": "hi", "seed": 0, "stream": true, \#(Self.tools)}"#
        for steps in [[1], [3, 1], [1000]] {
            let events = try await CallingModel.calls(CallingModel.answer, steps: steps).dialectEvents(Self.path, body)
            #expect(events.map { $0["sequence_number"].int } == Array(0..<events.count))
            var names: [String] = []
            for name in events.compactMap({ $0["type"].string }) where names.last != name { names.append(name) }
            let text = ["content_part.added", "", "content_part.done", "output_item.done"]
            func item(_ kind: String) -> [String] {
                let middle = ["\(kind).delta", "\(kind).done"]
                return ["output_item.added"] + text.flatMap { $0.isEmpty ? middle : [$0] }
            }
            let call = ["output_item.added", "function_call_arguments.delta", "function_call_arguments.done"]
            let expected =
                ["created", "in_progress"] + item("reasoning_text") + item("output_text") + call
                + ["output_item.done", "completed"]
            #expect(names == expected.map { "response.\($0)" })
            let deltas = events.filter { $0["type"].string == "response.output_text.delta" }
            #expect(deltas.compactMap { $0["delta"].string }.joined() == "Let me see.")
            let last = try #require(events.last)["response"]
            #expect(last["output"].items.count == 3 && (last["usage"]["output_tokens"].int ?? 0) > 10)
            let done = events.filter { $0["type"].string == "response.output_item.done" }
            #expect(done.map { $0["item"]["id"].string } == last["output"].items.map { $0["id"].string })
            #expect(done.map { $0["output_index"].int } == [0, 1, 2])
            let first = events[0]["response"]
            #expect(first["id"].string == last["id"].string && first["status"].string == "in_progress")
        }
    }

    @Test("says that an answer is not complete, and has a message where there is nothing else")
    func ends() async throws {
        let cut = try await whole(CallingModel.calls("abcdef"), #"{"input": "hi", "seed": 0, "max_output_tokens": 2}"#)
        #expect(cut["status"].string == "incomplete" && cut["output"][0]["status"].string == "incomplete")
        #expect(cut["incomplete_details"]["reason"].string == "max_output_tokens")
        let empty = try await whole(CallingModel.calls(""), #"{"input": "hi", "seed": 0}"#)
        #expect(empty["output"].items.count == 1 && empty["output"][0]["content"][0]["text"].string == "")
        let events = try await CallingModel.calls("").dialectEvents(Self.path, #"{"input": "hi", "stream": true}"#)
        #expect(events.map { $0["type"].string }.contains("response.output_text.done"))
    }

    @Test("shows the model items as the messages that they stand for")
    func input() async throws {
        let body = """
            {"instructions": "be kind", "input": [{"role": "user", "content": [{"type": "input_text", "text": "q"}]},
             {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "hm"}]},
             {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "I look."}]},
             {"type": "function_call", "call_id": "abcdefghi", "name": "weather", "arguments": "{\\"city\\":\\"X\\"}"},
             {"type": "function_call_output", "call_id": "abcdefghi", "output": "sunny"}], \(Self.tools)}
            """
        let chat = """
            {"messages": [{"role": "system", "content": "be kind"}, {"role": "user", "content": "q"},
              {"role": "assistant", "reasoning_content": "hm", "content": "I look.", "tool_calls": [{"id": "abcdefghi",
              "type": "function", "function": {"name": "weather", "arguments": "{\\"city\\":\\"X\\"}"}}]},
              {"role": "tool", "tool_call_id": "abcdefghi", "name": "weather", "content": "sunny"}],
             "tools": [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object",
             "properties": {"city": {"type": "string"}}}}}]}
            """
        let calls = try CallingModel.calls("abc")
        let count = try await JSONObject(whole: calls.dialect("/v1/responses/input_tokens", body))
        #expect(count["input_tokens"].int == (try await calls.whole(.inputTokens, chat)["input_tokens"].int))
        #expect(count["object"].string == "response.input_tokens")
        let response = try await whole(calls, body)
        #expect(response["usage"]["input_tokens"].int == count["input_tokens"].int)
    }

    @Test("does not go on with an assistant's message, which has ended")
    func ended() async throws {
        let calls = try CallingModel.calls("abc")
        let body = #"{"input": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]}"#
        let chat =
            #"{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}], "#
            + #""add_generation_prompt": true}"#
        let count = try await JSONObject(whole: calls.dialect("/v1/responses/input_tokens", body))
        #expect(count["input_tokens"].int == (try await calls.whole(.inputTokens, chat)["input_tokens"].int))
    }

    @Test(
        "refuses what needs a memory, and what nobody does here, by the names of its own fields",
        arguments: [
            (#""previous_response_id": "resp_1""#, "previous_response_id", "stores no answers"),
            (#""store": true"#, "store", "send false"),
            (#""conversation": "c""#, "conversation", "stores no answers"),
            (#""background": true"#, "background", "leave it out"),
            (#""truncation": "auto""#, "truncation", "shorten"),
            (#""include": ["file_search_call.results"]"#, "include[0]", "leave it out"),
            (#""tools": [{"type": "web_search"}]"#, "tools[0].type", "type function"),
            (#""max_output_tokens": 0"#, "max_output_tokens", "at least 1"),
            (#""temperature": -1"#, "temperature", "temperature"),
            (#""input": [{"type": "item_reference", "id": "x"}]"#, "input[0].type", "send the item itself"),
            (#""input": [{"type": "computer_call"}]"#, "input[0].type", "function calls"),
            (
                #""input": [{"role": "user", "content": [{"type": "input_image"}]}]"#, "input[0].content[0].type",
                "text parts"
            ),
            (#""input": []"#, "input", "empty"), (#""input": 7"#, "input", "a string or an array"),
        ]
    )
    func refusals(field: String, param: String, words: String) async throws {
        let calls = try CallingModel.calls("abc")
        let body = field.contains("input\"") && !field.contains("max_") ? "{\(field)}" : #"{"input": "hi", \#(field)}"#
        let error = await #expect(throws: APIError.self) { try await calls.dialect(Self.path, body) }
        #expect(error?.status == .badRequest && error?.param == param && error?.message.contains(words) == true)
    }

    @Test("ignores what changes no token")
    func tolerance() async throws {
        let fields = """
            "store": false, "truncation": "disabled", "metadata": {"a": "b"}, "user": "u", "include": \
            ["reasoning.encrypted_content"], "service_tier": "auto", "parallel_tool_calls": true, "tools": [], \
            "reasoning": {"effort": "low", "summary": "auto"}, "text": {"format": {"type": "text"}}, \
            "prompt_cache_key": "k"
            """
        let response = try await whole(CallingModel.calls("abc"), #"{"input": "hi", "seed": 0, \#(fields)}"#)
        #expect(response["output"][0]["content"][0]["text"].string == "abc")
        #expect(response["metadata"]["a"].string == "b" && response["reasoning"]["effort"].string == "low")
    }
}
