import HTTPTypes
import PacelineCluster
import PacelineServer
import Testing

/// Bodies that are refused: what is wrong, which field it is, and in which words.
@Suite("Malformed requests")
struct MalformedRequestTests {
    struct Case: Sendable, CustomStringConvertible {
        let body: String
        let param: String?
        let words: String
        var status = 400
        var code: String?
        var description: String { String(body.prefix(70)) }

        init(_ body: String, _ param: String?, _ words: String, status: Int = 400, code: String? = nil) {
            (self.body, self.param, self.words, self.status, self.code) = (body, param, words, status, code)
        }

        /// A completion with one more field.
        static func with(_ field: String, _ param: String, _ words: String) -> Case {
            Case("{\"prompt\": [1], \(field)}", param, words)
        }

        /// A conversation with one more field.
        static func chat(_ field: String, _ param: String, _ words: String) -> Case {
            Case(#"{"messages": [{"role": "user", "content": "Hi"}], \#(field)}"#, param, words)
        }

        /// A conversation of one message.
        static func message(_ message: String, _ param: String, _ words: String) -> Case {
            Case("{\"messages\": [\(message)]}", param, words)
        }
    }

    private func expect(_ endpoint: APICalls.Endpoint, _ row: Case, _ source: SourceLocation) async throws {
        let model = try Self.model.get()
        let backend = TextBackend(model.tokenizer, ["x"])
        let calls = APICalls(model: model, backend: backend)
        let error = await #expect(throws: APIError.self, "\(row.body)", sourceLocation: source) {
            try await calls.reply(endpoint, row.body)
        }
        #expect(error?.status.code == row.status, "\(row.body)", sourceLocation: source)
        #expect(error?.param == row.param, "\(row.body): \(error?.message ?? "")", sourceLocation: source)
        #expect(error?.code == row.code, "\(row.body)", sourceLocation: source)
        #expect(error?.message.contains(row.words) == true, "\(error?.message ?? "")", sourceLocation: source)
        #expect(backend.requests.isEmpty, "\(row.body)", sourceLocation: source)
    }

    private static let model = Result { try TestModel.served(names: ["tiny", "alias"], contextLength: 64) }

    @Test("of completions name the field, what was expected and what came", arguments: completions)
    func completion(row: Case) async throws {
        try await expect(.completions, row, #_sourceLocation)
    }

    @Test("of chat name the field, what was expected and what came", arguments: chats)
    func chat(row: Case) async throws {
        try await expect(.chat, row, #_sourceLocation)
    }

    @Test("of the token endpoints name the field", arguments: tokens)
    func token(endpoint: APICalls.Endpoint, row: Case) async throws {
        try await expect(endpoint, row, #_sourceLocation)
    }

    private static let nested = String(repeating: "[", count: 50_000) + String(repeating: "]", count: 50_000)

    static let completions: [Case] = bodies + prompts + options + numbers + unsupported

    private static let bodies = [
        Case("", nil, "the body is empty"),
        Case("[1]", nil, "must be one JSON object, not an array"),
        Case("null", nil, "must be one JSON object, not null"),
        Case("7", nil, "must be one JSON object, not 7"),
        Case(#"{"prompt": "x""#, nil, "not valid JSON: ',' or '}' was expected at byte 14"),
        Case(#"{"prompt": "x"} {}"#, nil, "more text follows the value"),
        Case("{'prompt': 'x'}", nil, "a key in quotes was expected"),
        Case(#"{"prompt": 01}"#, nil, "not valid JSON"),
        Case(#"{"prompt": NaN}"#, nil, "not valid JSON"),
        Case(
            "{\"prompt\": [1, \(nested)]}",
            "prompt[1][0][0][0][0][0][0]",
            "prompt[1][0][0][0][0][0][0]: arrays and objects are nested deeper than 100 at byte 114; make it flatter"
        ),
        Case(nested, nil, "the body: arrays and objects are nested deeper than 100"),
        Case(#"{"prompt": "\ud800"}"#, nil, #"\ud800 at byte 12, a lone surrogate"#),
        Case(#"{"prompt": "a\uDFFF"}"#, nil, #"\uDFFF at byte 13"#),
        Case(#"{"prompt": "x", "grammar": "\ud83d\u0041"}"#, nil, "lone surrogate"),
    ]

    private static let prompts = [
        Case("{}", "prompt", "prompt is missing"),
        Case(#"{"prompt": null}"#, "prompt", "prompt is missing"),
        Case(
            #"{"prompt": 3}"#,
            "prompt",
            "prompt must be a string, an array of token ids, or an array of those, not 3"
        ),
        Case(#"{"prompt": {}}"#, "prompt", "not an object"),
        Case(#"{"prompt": []}"#, "prompt", "not an empty array"),
        Case(#"{"prompt": ""}"#, "prompt", "holds no tokens"),
        Case(#"{"prompt": ["a", ""]}"#, "prompt", "holds no tokens"),
        Case(#"{"prompt": [-1]}"#, "prompt[0]", "prompt[0] must be a token id, not -1"),
        Case(#"{"prompt": [1, "a"]}"#, "prompt[1]", "prompt[1] must be a token id, not \"a\""),
        Case(#"{"prompt": ["a", 1]}"#, "prompt[1]", "prompt[1] must be a string or an array of token ids, not 1"),
        Case(#"{"prompt": [[1], [true]]}"#, "prompt[1]", "prompt[1] must be an array of token ids"),
        Case(#"{"prompt": [1, 99999]}"#, "prompt[1]", "prompt has token 99999, but the vocabulary has"),
        Case(#"{"prompt": [[1], [99999]]}"#, "prompt[1]", "prompt[1] has token 99999"),
        Case(
            #"{"prompt": [\#(Array(repeating: "\"a\"", count: 257).joined(separator: ","))]}"#,
            "prompt",
            "257 prompts"
        ),
        Case(
            #"{"prompt": "x", "model": "gpt-4"}"#,
            "model",
            "the model gpt-4 is not served here; use tiny or alias",
            status: 404,
            code: "model_not_found"
        ),
        Case(#"{"prompt": "x", "model": 4}"#, "model", "model must be a string, not 4"),
        Case(
            #"{"prompt": [\#(Array(repeating: "1", count: 64).joined(separator: ","))]}"#,
            "prompt",
            "This model's maximum context length is 64 tokens. However, your prompt has 64 tokens",
            code: "context_length_exceeded"
        ),
    ]

    private static let options: [Case] = [
        .with(#""max_tokens": "many""#, "max_tokens", #"max_tokens must be a whole number of at least 1, not "many""#),
        .with(#""max_tokens": 0"#, "max_tokens", "at least 1, not 0"),
        .with(#""max_tokens": 1.5"#, "max_tokens", "not 1.5"),
        .with(#""max_tokens": 9223372036854775808"#, "max_tokens", "not 9223372036854775808"),
        .with(#""max_tokens": true"#, "max_tokens", "not true"),
        .with(#""max_completion_tokens": -2"#, "max_completion_tokens", "not -2"),
        .with(#""min_tokens": 9, "max_tokens": 3"#, "min_tokens", "more than the 3 tokens"),
        .with(#""min_tokens": -1"#, "min_tokens", "at least 0, not -1"),
        .with(#""stop": 4"#, "stop", "stop must be a string or an array of strings, not 4"),
        .with(#""stop": ["a", 4]"#, "stop[1]", "stop[1] must be a string"),
        .with(#""stop": """#, "stop", "an empty string"),
        .with(
            #""stop": [\#(Array(repeating: "\"a\"", count: 17).joined(separator: ","))]"#,
            "stop",
            "at most 16 strings"
        ),
        .with("\"stop\": \"\(String(repeating: "x", count: 1025))\"", "stop", "at most 1024 bytes"),
        .with(#""stop_token_ids": "x""#, "stop_token_ids", "must be an array of token ids"),
        .with(#""stop_token_ids": [99999]"#, "stop_token_ids[0]", "the vocabulary has"),
        .with(#""ignore_eos": 1"#, "ignore_eos", "true or false, not 1"),
        .with(#""n": 0"#, "n", "from 1 to 128, not 0"),
        .with(#""n": 129"#, "n", "not 129"),
        .with(#""n": "two""#, "n", "not \"two\""),
        .with(#""stream": "yes""#, "stream", "true or false"),
        .with(#""stream_options": true"#, "stream_options", "must be an object"),
        .with(#""stream_options": {"include_usage": 1}"#, "stream_options.include_usage", "true or false"),
        .with(#""sse_ping_interval": "x""#, "sse_ping_interval", "must be a number"),
        .with(#""sse_ping_interval": 1e9"#, "sse_ping_interval", "at most 3600 seconds"),
        .with(#""echo": "x""#, "echo", "true or false"),
        .with(#""logprobs": 21"#, "logprobs", "from 0 to 20, not 21"),
        .with(#""logprobs": true"#, "logprobs", "not true"),
        .with(#""suffix": "x""#, "suffix", "trained to fill gaps"),
        .with(#""suffix": "x", "echo": true"#, "echo", "exclude each other"),
        .with(#""prediction": "x""#, "prediction", "must be an object"),
        .with(#""prediction": {"type": "x"}"#, "prediction.type", #"must be "content", not "x""#),
        .with(#""prediction": {"type": "content"}"#, "prediction.content", "is missing"),
        .with(#""speculative": {"n_max": -1}"#, "speculative.n_max", "at least 0, not -1"),
        .with(#""speculative.n_max": "x""#, "speculative.n_max", "whole number"),
        .with(#""cache_salt": """#, "cache_salt", "1 to 256 bytes"),
        .with(#""resume": 3"#, "resume", "must be an object"),
        .with(#""resume": {}, "seed": 1"#, "resume.tokens", "is missing"),
        .with(#""resume": {"tokens": [99999]}, "seed": 1"#, "resume.tokens[0]", "the vocabulary has"),
        .with(#""resume": {"tokens": [1]}"#, "seed", "needs that answer's seed"),
        .with(#""resume": {"tokens": [[1], [2]]}, "seed": 1"#, "resume.tokens", "2 choices, but the request has 1"),
        .with(#""add_special_tokens": 1"#, "add_special_tokens", "true or false"),
        Case(#"{"prompt": ["a", "b"], "n": 100}"#, "n", "are 200 texts"),
    ]

    private static let numbers: [Case] = [
        .with(#""temperature": true"#, "temperature", "temperature must be a number, not true"),
        .with(#""temperature": -1"#, "temperature", "temperature must be 0 (greedy) or from 0.001 to 100"),
        .with(#""temperature": 1e400"#, "temperature", "must be a number"),
        .with(#""top_p": 0"#, "top_p", "above 0 and at most 1"),
        .with(#""top_p": "1""#, "top_p", "must be a number"),
        .with(#""top_k": -2"#, "top_k", "0 or -1 (off) or a positive whole number, not -2"),
        .with(#""min_p": 2"#, "min_p", "from 0 to 1"),
        .with(#""repetition_penalty": 0"#, "repetition_penalty", "from 0.01 to 100"),
        .with(#""frequency_penalty": 3"#, "frequency_penalty", "from -2 to 2"),
        .with(#""presence_penalty": -3"#, "presence_penalty", "from -2 to 2"),
        .with(#""repeat_last_n": -2"#, "repeat_last_n", "not -2"),
        .with(#""seed": 1.5"#, "seed", "from -9223372036854775808 to 18446744073709551615"),
        .with(#""seed": 18446744073709551616"#, "seed", "not 18446744073709551616"),
        .with(#""seed": "7""#, "seed", "not \"7\""),
        .with(#""logit_bias": [1]"#, "logit_bias", "must be an object"),
        .with(#""logit_bias": {"abc": 1}"#, "logit_bias", #"the key "abc", which must be a token id"#),
        .with(#""logit_bias": {"1": "x"}"#, "logit_bias.1", "must be a number"),
        .with(#""logit_bias": {"1": 101}"#, "logit_bias", "from -100 to 100"),
        .with(#""logit_bias": {"99999": 1}"#, "logit_bias", "but the vocabulary has"),
        .with(#""logit_bias": {"1": 1, "01": 1}"#, "logit_bias", "twice"),
    ]

    private static let unsupported: [Case] = [
        ("best_of", "2"), ("use_beam_search", "true"), ("prompt_logprobs", "0"), ("n_probs", "3"),
        ("guided_json", "{}"), ("guided_regex", #""a*""#), ("allowed_token_ids", "[1]"),
        ("bad_words", #"["a"]"#), ("include_stop_str_in_output", "true"), ("skip_special_tokens", "false"),
        ("truncate_prompt_tokens", "4"), ("prompt_embeds", #""x""#), ("top_logprobs", "2"), ("typical_p", "0.5"),
        ("mirostat", "2"), ("dry_multiplier", "0.8"), ("xtc_probability", "0.5"), ("top_n_sigma", "1"),
        ("length_penalty", "2"), ("lora", #"[{"id": 0}]"#), ("samplers", #"["top_k"]"#), ("tfs_z", "0.5"),
    ].map { name, value in .with("\"\(name)\": \(value)", name, "\(name) is ") }

    static let chats: [Case] = messages + tools + chatOptions

    private static let messages: [Case] = [
        Case("{}", "messages", "messages is missing; it must be an array of messages"),
        Case(#"{"messages": []}"#, "messages", "at least one message"),
        Case(#"{"messages": "Hi"}"#, "messages", "must be an array of messages, not \"Hi\""),
        .message("7", "messages[0]", "messages[0] must be an object, not 7"),
        .message("{}", "messages[0].role", "is missing; it must be system, developer, user"),
        .message(#"{"role": "robot", "content": "x"}"#, "messages[0].role", #"not "robot""#),
        .message(#"{"role": 1, "content": "x"}"#, "messages[0].role", "must be a string"),
        .message(#"{"role": "user"}"#, "messages[0].content", "is missing"),
        .message(#"{"role": "user", "content": null}"#, "messages[0].content", "is missing"),
        .message(#"{"role": "assistant"}"#, "messages[0].content", "is missing"),
        .message(
            #"{"role": "user", "content": 7}"#,
            "messages[0].content",
            "a string or an array of text parts, not 7"
        ),
        .message(#"{"role": "user", "content": ["x"]}"#, "messages[0].content[0]", "must be an object"),
        .message(#"{"role": "user", "content": [{"type": "text"}]}"#, "messages[0].content[0].text", "is missing"),
        .message(
            #"{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}"#,
            "messages[0].content[0].type",
            "text parts only"
        ),
        .message(
            #"{"role": "user", "content": [{"type": "input_audio"}]}"#,
            "messages[0].content[0].type",
            "input_audio"
        ),
        .message(#"{"role": "assistant", "tool_calls": 1}"#, "messages[0].tool_calls", "an array of tool calls"),
        .message(#"{"role": "assistant", "tool_calls": [{}]}"#, "messages[0].tool_calls[0].function", "is missing"),
        .message(
            #"{"role": "assistant", "tool_calls": [{"function": {}}]}"#,
            "messages[0].tool_calls[0].function.name",
            "is missing"
        ),
        .message(
            #"{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "{"}}]}"#,
            "messages[0].tool_calls[0].function.arguments",
            "a string with a JSON object"
        ),
        .message(
            #"{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "7"}}]}"#,
            "messages[0].tool_calls[0].function.arguments",
            #"not "7""#
        ),
        .message(
            #"{"role": "assistant", "content": "x", "function_call": {"name": "f"}}"#,
            "messages[0].function_call",
            "use tool_calls"
        ),
        .message(
            "{\"role\": \"user\", \"content\": \"\(String(repeating: "x", count: 90))\"}",
            "messages",
            "maximum context length is 64 tokens"
        ).with(code: "context_length_exceeded"),
    ]

    private static let tools: [Case] = [
        .chat(#""tools": {}"#, "tools", "an array of tools"),
        .chat(#""tools": [1]"#, "tools[0]", "an object"),
        .chat(#""tools": [{"type": "web_search"}]"#, "tools[0].type", #"must be "function""#),
        .chat(#""tools": [{"type": "function"}]"#, "tools[0].function", "is missing"),
        .chat(#""tools": [{"type": "function", "function": {}}]"#, "tools[0].function.name", "is missing"),
        .chat(
            #""tools": [{"type": "function", "function": {"name": "f", "strict": 1}}]"#,
            "tools[0].function.strict",
            "true or false"
        ),
        .chat(#""tool_choice": "required""#, "tool_choice", "has no tools"),
        .chat(
            #""tool_choice": {"type": "function", "function": {"name": "f"}}"#,
            "tool_choice",
            "has no tools"
        ),
        .chat(
            #""tools": [{"type": "function", "function": {"name": "f"}}], "tool_choice": {"type": "function", "#
                + #""function": {"name": "g"}}"#,
            "tool_choice",
            "names g, which is none of tools"
        ),
        .chat(#""tool_choice": 1"#, "tool_choice", #"must be "auto", "none", "required" or a function, not 1"#),
        .chat(#""functions": [{"name": "f"}]"#, "functions", "use tools"),
        .chat(#""function_call": {"name": "f"}"#, "function_call", "use tools"),
    ]

    private static let deepSchema =
        String(repeating: #"{"items": "#, count: 100) + "1" + String(repeating: "}", count: 100)

    private static let chatOptions: [Case] = [
        .chat(#""logprobs": 5"#, "logprobs", "true or false"),
        .chat(#""top_logprobs": 5"#, "top_logprobs", "needs logprobs"),
        .chat(#""logprobs": true, "top_logprobs": 21"#, "top_logprobs", "from 0 to 20"),
        .chat(
            #""response_format": {"type": "json_schema", "json_schema": {}}"#,
            "response_format.json_schema.schema",
            "is missing"
        ),
        .chat(#""response_format": {"type": "json_schema"}"#, "response_format.json_schema", "is missing"),
        .chat(
            #""response_format": {"schema": \#(deepSchema)}"#,
            "response_format.schema.items.items.items.items.items.items",
            "nested deeper than 100"
        ),
        .chat(#""response_format": "json""#, "response_format", "must be an object"),
        .chat(#""modalities": ["text", "audio"]"#, "modalities", "writes text only"),
        .chat(#""audio": {"voice": "alloy"}"#, "audio", "writes text only"),
        .chat(#""web_search_options": {}"#, "web_search_options", "not supported"),
        .chat(#""chat_template": "{{ 1 }}""#, "chat_template", "the server's template"),
        .chat(#""chat_template_kwargs": 1"#, "chat_template_kwargs", "an object"),
        .chat(#""chat_template_kwargs": {"messages": []}"#, "chat_template_kwargs.messages", "other fields set it"),
        .chat(#""reasoning_effort": 1"#, "reasoning_effort", "a string"),
        .chat(#""continue_final_message": true"#, "continue_final_message", "of the assistant"),
        .chat(#""continue_final_message": true, "add_generation_prompt": true"#, "continue_final_message", "exclude"),
        .chat(#""documents": [{}]"#, "documents", "into messages"),
        .chat(#""max_tokens": 0"#, "max_tokens", "at least 1"),
        .chat(#""n": 500"#, "n", "from 1 to 128"),
        .chat(#""model": "x""#, "model", "is not served here").with(code: "model_not_found", status: 404),
    ]

    static let tokens: [(APICalls.Endpoint, Case)] = [
        (.tokenize, Case("{}", "prompt", "or send content")),
        (.tokenize, Case(#"{"content": 1}"#, "content", "a string")),
        (.tokenize, Case(#"{"content": "x", "with_pieces": 1}"#, "with_pieces", "true or false")),
        (
            .tokenize,
            Case(#"{"prompt": "x", "model": "y"}"#, "model", "use tiny or alias", status: 404, code: "model_not_found")
        ),
        (.detokenize, Case("{}", "tokens", "an array of token ids")),
        (.detokenize, Case(#"{"tokens": [1, 99999]}"#, "tokens[1]", "the vocabulary has")),
        (.detokenize, Case(#"{"tokens": "x"}"#, "tokens", "an array of token ids")),
        (.applyTemplate, Case("{}", "messages", "is missing")),
        (.inputTokens, Case(#"{"messages": [{"role": "user"}]}"#, "messages[0].content", "is missing")),
    ]

    @Test("Bytes that are not UTF-8 are named as such")
    func invalidUTF8() async throws {
        let model = try Self.model.get()
        let calls = APICalls(model: model, backend: TextBackend(model.tokenizer, ["x"]))
        for bytes in [[0xFF], [0xED, 0xA0, 0x80], [0xC3]] as [[UInt8]] {
            let body = Array(#"{"prompt": ""#.utf8) + bytes + Array("\"}".utf8)
            let error = await #expect(throws: APIError.self) { try await calls.reply(.completions, bytes: body) }
            #expect(error?.message.contains("not valid UTF-8") == true)
        }
    }
}

extension MalformedRequestTests.Case {
    fileprivate func with(code: String, status: Int = 400) -> Self {
        Self(body, param, words, status: status, code: code)
    }
}
