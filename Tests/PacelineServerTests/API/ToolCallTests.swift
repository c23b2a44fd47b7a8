import PacelineServer
import Testing

/// Calls of tools in answers of chat.
@Suite("Tool calls")
struct ToolCallTests {
    private static let text = """
        Let me see.

        <tool_call>
        {"name": "weather", "arguments": {"city": "Zürich"}}
        </tool_call>
        <tool_call>
        {"name": "time", "arguments": {}}
        </tool_call>
        """

    private static let user = #""messages": [{"role": "user", "content": "a"}], "seed": 0, \#(CallingModel.tools)"#

    /// What came of a stream, joined as clients join it.
    private struct Joined: Equatable {
        var content = ""
        var reasoning = ""
        /// The place, the id, the name and the arguments of each.
        var calls: [[String]] = []
        var tokens: [Int] = []
        var reasons: [String] = []
        var roles = 0

        mutating func take(_ chunk: JSONObject) {
            let choice = chunk["choices"][0]
            let delta = choice["delta"]
            content += delta["content"].string ?? ""
            reasoning += delta["reasoning_content"].string ?? ""
            roles += delta["role"].string == nil ? 0 : 1
            for call in delta["tool_calls"].items {
                // The first part of a call has its id and name, and no later one has.
                let place = "\(call["index"].int ?? -1)"
                if let id = call["id"].string, let name = call["function"]["name"].string {
                    #expect(call["type"].string == "function")
                    calls.append([place, id, name, ""])
                } else {
                    #expect(calls.last?.first == place && call["id"].isAbsent)
                }
                if !calls.isEmpty { calls[calls.count - 1][3] += call["function"]["arguments"].string ?? "?" }
            }
            tokens += choice["token_ids"].ints
            if let reason = choice["finish_reason"].string { reasons.append(reason) }
        }

        static func + (left: Joined, right: Joined) -> Joined {
            var sum = left
            sum.content += right.content
            sum.reasoning += right.reasoning
            sum.calls += right.calls
            sum.tokens += right.tokens
            sum.reasons += right.reasons
            sum.roles += right.roles
            return sum
        }
    }

    @Test("are parts of the message, and not of its text")
    func whole() async throws {
        let answer = try await CallingModel.calls(Self.text).whole(.chat, "{\(Self.user)}")
        let choice = answer["choices"][0]
        #expect(choice["finish_reason"].string == "tool_calls")
        #expect(choice["message"]["content"].string == "Let me see.")
        let calls = choice["message"]["tool_calls"].items
        #expect(calls.map { $0["function"]["name"].string } == ["weather", "time"])
        #expect(calls.map { $0["function"]["arguments"].string } == [#"{"city": "Zürich"}"#, "{}"])
        let ids = calls.compactMap { $0["id"].string }
        #expect(Set(ids).count == 2 && ids.allSatisfy { $0.count == 9 && $0.allSatisfy { $0.isLetter || $0.isNumber } })
        let alone = try await CallingModel.calls("<tool_call>{\"name\": \"time\"}").whole(.chat, "{\(Self.user)}")
        #expect(alone["choices"][0]["message"]["content"].isNull)
    }

    @Test("come in streams with the same text, however many tokens come at once")
    func streams() async throws {
        var seen: [Joined] = []
        for steps in [[1], [2, 5], [1000]] {
            let body =
                #"{\#(Self.user), "stream": true, "return_token_ids": true, "#
                + #""resume": {"tokens": [], "id": "chatcmpl-x"}}"#
            var joined = Joined()
            for chunk in try await CallingModel.calls(Self.text, steps: steps).chunks(.chat, body) {
                joined.take(chunk)
            }
            #expect(joined.content == "Let me see." && joined.reasons == ["tool_calls"] && joined.roles == 1)
            #expect(joined.calls.map { $0[2] } == ["weather", "time"] && joined.calls.map { $0[0] } == ["0", "1"])
            #expect(joined.calls.map { $0[3] } == [#"{"city": "Zürich"}"#, "{}"])
            seen.append(joined)
        }
        #expect(seen.allSatisfy { $0 == seen[0] })
    }

    private static let texts = [
        text, "<think>\nHm <tool_call>.\n</think>\n\(text)\nDone.",
        "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": oops}}\n</tool_call> a",
        "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"cut",
    ]

    @Test("go on behind every cut as if there had been none", arguments: texts)
    func resumption(text: String) async throws {
        let common = #"\#(Self.user), "stream": true, "return_token_ids": true"#
        func run(_ steps: [Int], after tokens: [Int]) async throws -> [JSONObject] {
            let resume = #""resume": {"tokens": \#(tokens), "id": "chatcmpl-x", "created": 7}"#
            return try await CallingModel.calls(text, steps: steps).chunks(.chat, "{\(common), \(resume)}")
        }
        var whole = Joined(), given = Joined()
        var cuts = [given]
        for chunk in try await run([1000], after: []) { whole.take(chunk) }
        for chunk in try await run([1], after: []) {
            let before = given.tokens.count
            given.take(chunk)
            // What came without its token ids does not count: those stand in the last chunk of what they brought.
            if given.tokens.count > before { cuts.append(given) }
        }
        #expect(given == whole)
        for cut in cuts.dropLast() {
            var rest = Joined()
            for chunk in try await run([3, 1], after: cut.tokens) { rest.take(chunk) }
            // Before the first token, nothing says that the client knows who speaks.
            if cut.tokens.isEmpty { rest.roles -= cut.roles }
            #expect(cut + rest == whole, "cut at \(cut.tokens.count)")
        }
    }

    @Test("are text where no tools were given, where none may be called, and where the template knows none")
    func plainText() async throws {
        let none = #"{\#(Self.user), "tool_choice": "none"}"#
        let without = #"{"messages": [{"role": "user", "content": "a"}], "seed": 0}"#
        for body in [none, without] {
            let choice = try await CallingModel.calls(Self.text).whole(.chat, body)["choices"][0]
            #expect(choice["message"]["content"].string == Self.text && choice["finish_reason"].string == "stop")
            #expect(choice["message"]["tool_calls"].isAbsent)
        }
        let plain = "{% for m in messages %}{{ m.content }}{% endfor %}"
        let calls = try CallingModel.calls(Self.text, template: plain)
        #expect(try await calls.whole(.chat, "{\(Self.user)}")["choices"][0]["message"]["content"].string == Self.text)
    }

    @Test("that must not be parallel are one, and the answer ends with it")
    func single() async throws {
        let body = #"\#(Self.user), "parallel_tool_calls": false"#
        let answer = try await CallingModel.calls(Self.text).whole(.chat, "{\(body)}")
        #expect(answer["choices"][0]["message"]["tool_calls"].items.count == 1)
        #expect(answer["choices"][0]["finish_reason"].string == "tool_calls")
        let all = try await CallingModel.calls(Self.text).whole(.chat, "{\(Self.user)}")
        let (some, most) = (answer["usage"]["completion_tokens"].int ?? 0, all["usage"]["completion_tokens"].int ?? 0)
        #expect(some > 0 && some < most - 20)
        var joined = Joined()
        for chunk in try await CallingModel.calls(Self.text).chunks(.chat, #"{\#(body), "stream": true}"#) {
            joined.take(chunk)
        }
        #expect(joined.calls.map { $0[2] } == ["weather"] && joined.reasons == ["tool_calls"])
    }

    @Test("that are cut off by a limit are text, and the answer says so")
    func cut() async throws {
        let answer = try await CallingModel.calls(Self.text).whole(.chat, #"{\#(Self.user), "max_tokens": 30}"#)
        #expect(answer["choices"][0]["finish_reason"].string == "length")
        #expect(answer["choices"][0]["message"]["content"].string.map { Self.text.hasPrefix($0) } == true)
    }

    @Test("and their results are shown to the model as its template writes them")
    func results() async throws {
        let body = """
            {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": null, "tool_calls": [
              {"id": "abcdefghi", "type": "function",
               "function": {"name": "weather", "arguments": "{\\"city\\":\\"X\\"}"}}]},
             {"role": "tool", "tool_call_id": "abcdefghi", "content": "sunny"}], \(CallingModel.tools)}
            """
        let prompt = try await CallingModel.calls("").whole(.applyTemplate, body)["prompt"].string ?? ""
        #expect(prompt.contains("<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"X\"}}\n</tool_call>"))
        #expect(prompt.contains("<|im_start|>tool\nsunny<|im_end|>") && prompt.contains("\"name\": \"time\""))
    }

    @Test("are told from stop strings, whose name the answer has")
    func stops() async throws {
        let body = #"{\#(Self.user), "stop": ["nothing", "me s"]}"#
        let choice = try await CallingModel.calls(Self.text).whole(.chat, body)["choices"][0]
        #expect(choice["finish_reason"].string == "stop" && choice["stop_reason"].string == "me s")
        #expect(choice["message"]["content"].string == "Let ")
        let last = try await CallingModel.calls(Self.text).chunks(.chat, body.dropLast() + #", "stream": true}"#).last
        #expect(last?["choices"][0]["stop_reason"].string == "me s")
        let other = try await CallingModel.calls("abc").whole(.chat, body)["choices"][0]
        #expect(other["finish_reason"].string == "stop" && other["stop_reason"].isAbsent)
    }

    @Test("and token counts stand in every chunk of a stream if the client wants that")
    func continuousUsage() async throws {
        let options = #""stream_options": {"include_usage": true, "continuous_usage_stats": true}"#
        let chunks = try await CallingModel.calls("abcdef").chunks(
            .chat,
            #"{\#(Self.user), "stream": true, \#(options)}"#
        )
        let counts = chunks.compactMap { $0["usage"]["completion_tokens"].int }
        #expect(counts.count == chunks.count && counts == counts.sorted() && counts.last == 7)
        #expect(Set(chunks.compactMap { $0["usage"]["prompt_tokens"].int }).count == 1)
    }
}
