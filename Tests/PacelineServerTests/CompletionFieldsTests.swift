import Foundation
import NIOCore
import PacelineCluster
import PacelineSpeculation
import Testing

@testable import PacelineServer

/// The effect of request fields as a client sees it: names and values in JSON over a socket.
@Suite("Fields of completions over real sockets", .timeLimit(.minutes(1)))
struct CompletionFieldsTests {
    /// Sends `body`; returns the answer and the backend's request.
    private static func ask(_ body: String) async throws -> (answer: String, request: GenerationRequest?) {
        let backend = ScriptedBackend.hello
        let (answers, answered) = AsyncStream.makeStream(of: String.self)
        try await ServerHarness.run(backend) { address in
            answered.yield(try await RawClient(address).exchange(RawClient.post("/v1/completions", body)))
        }
        return (try #require(await answers.first { _ in true }), backend.requests.first)
    }

    /// Fails unless `body` is refused with these words.
    private static func expectRefusal(
        of body: String,
        _ words: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let (answer, request) = try await ask(body)
        #expect(answer.hasPrefix("HTTP/1.1 400 "), "\(body): \(answer)", sourceLocation: sourceLocation)
        #expect(answer.contains(words), "\(body): \(answer)", sourceLocation: sourceLocation)
        #expect(request == nil, sourceLocation: sourceLocation)
    }

    @Test("An array of one prompt counts as that prompt, as text or as token ids")
    func promptInArray() async throws {
        let text = try await Self.ask(#"{"prompt": "Hi"}"#).request?.prompt
        #expect(text?.isEmpty == false)
        #expect(try await Self.ask(#"{"prompt": ["Hi"]}"#).request?.prompt == text)
        #expect(try await Self.ask(#"{"prompt": [1, 2]}"#).request?.prompt == [1, 2])
        #expect(try await Self.ask(#"{"prompt": [[1, 2]]}"#).request?.prompt == [1, 2])
    }

    @Test(
        "Several prompts, and invalid ones, are refused",
        arguments: [#"["a", "b"]"#, "[[1], [2]]", #"["a", 1]"#, "[[[1]]]", "[[-1]]", #"[["a"]]"#, "{}", "[null]"]
    )
    func severalPrompts(prompt: String) async throws {
        try await Self.expectRefusal(of: "{\"prompt\": \(prompt)}", "several prompts need several requests")
    }

    private struct Answer: Decodable {
        var seed: UInt64
    }

    /// The seed that an answer reports.
    private static func reportedSeed(_ answer: String) throws -> UInt64 {
        let json = try #require(answer.components(separatedBy: "\r\n\r\n").last)
        return try JSONDecoder().decode(Answer.self, from: Data(json.utf8)).seed
    }

    @Test(
        "Every whole number is a seed by its 64 bits, and the answer reports it",
        arguments: [
            ("0", 0), ("7", 7), ("7.0", 7), ("9223372036854775807", 1 << 63 - 1), ("9223372036854775808", 1 << 63),
            ("18446744073709551615", .max), ("-2", .max - 1), ("-9223372036854775808", 1 << 63),
        ] as [(String, UInt64)]
    )
    func seeds(number: String, bits: UInt64) async throws {
        let (answer, request) = try await Self.ask("{\"prompt\": [1], \"seed\": \(number)}")
        #expect(request?.sampling.seed == bits)
        #expect(try Self.reportedSeed(answer) == bits)
    }

    @Test(
        "Without a seed, or with -1, a random one is drawn and reported",
        arguments: ["", #", "seed": -1"#, #", "seed": null"#]
    )
    func drawnSeeds(field: String) async throws {
        var seeds: Set<UInt64> = []
        for _ in 0..<3 {
            let (answer, request) = try await Self.ask("{\"prompt\": [1]\(field)}")
            let seed = try Self.reportedSeed(answer)
            #expect(request?.sampling.seed == seed && seed < 1 << 53, "clients' numbers may be doubles")
            seeds.insert(seed)
        }
        #expect(seeds.count == 3)
    }

    @Test(
        "An invalid seed is refused, and the message names the range",
        arguments: ["18446744073709551616", "-9223372036854775809", "1.5", "\"7\"", "true", "[1]"]
    )
    func noSeeds(value: String) async throws {
        try await Self.expectRefusal(
            of: "{\"prompt\": [1], \"seed\": \(value)}",
            "seed must be a whole number from -9223372036854775808 to 18446744073709551615"
        )
    }

    @Test("0 and -1 turn top_k off")
    func topK() async throws {
        for value in [0, -1] {
            #expect(try await Self.ask("{\"prompt\": [1], \"top_k\": \(value)}").request?.sampling.topK == 0)
        }
        #expect(try await Self.ask(#"{"prompt": [1], "top_k": 3}"#).request?.sampling.topK == 3)
        try await Self.expectRefusal(of: #"{"prompt": [1], "top_k": -2}"#, "top_k must be")
    }

    @Test("Every chunk of a stream has a finish_reason, null until the last")
    func finishReason() async throws {
        let (answer, _) = try await Self.ask(#"{"prompt": [1], "stream": true}"#)
        let chunks = answer.components(separatedBy: "data: {").dropFirst()
        #expect(chunks.count == 3)
        #expect(chunks.dropLast().allSatisfy { $0.contains(#""finish_reason":null"#) }, "\(answer)")
        #expect(chunks.last?.contains(#""finish_reason":"length""#) == true)
    }

    @Test(
        "An unsupported field that would change the answer is refused by name",
        arguments: [
            #""logprobs": 0"#, #""logprobs": 5"#, #""logprobs": true"#, #""top_logprobs": 1"#, #""prompt_logprobs": 0"#,
            #""n_probs": 3"#, #""n": 2"#, #""n": 0"#, #""n": "two""#, #""best_of": 2"#, #""echo": true"#,
            #""suffix": "x""#, #""use_beam_search": true"#, #""response_format": {"type": "json_object"}"#,
            #""grammar": "root ::= x""#,
            #""json_schema": {}"#, #""guided_regex": "a*""#, #""structured_outputs": {"regex": "a"}"#,
            #""min_tokens": 3"#, #""stop_token_ids": [1]"#, #""include_stop_str_in_output": true"#,
            #""skip_special_tokens": false"#, #""add_special_tokens": false"#, #""allowed_token_ids": [1]"#,
            #""n_predict": 5"#, #""max_completion_tokens": 5"#, #""repeat_penalty": 1.1"#, #""typical_p": 0.5"#,
            #""mirostat": 2"#, #""dry_multiplier": 0.8"#, #""xtc_probability": 0.5"#, #""top_n_sigma": 1"#,
            #""truncate_prompt_tokens": 4"#, #""lora": [{"id": 0}]"#, #""samplers": ["top_k"]"#,
        ]
    )
    func unsupported(field: String) async throws {
        let name = try #require(field.split(separator: "\"").first)
        try await Self.expectRefusal(of: "{\"prompt\": [1], \(field)}", "\(name) is ")
    }

    @Test(
        "The same fields are accepted if they request nothing, and so are unknown fields",
        arguments: [
            """
            "logprobs": null, "n": 1, "best_of": 1, "echo": false, "suffix": "", "top_logprobs": 0, "min_tokens": 0
            """,
            """
            "logprobs": false, "n": 1.0, "response_format": {"type": "text"}, "stop_token_ids": [], "mirostat": 0
            """,
            """
            "skip_special_tokens": true, "typical_p": 1, "repeat_penalty": 1.0, "user": "x", "cache_prompt": true,
            "stream_options": {"include_usage": true}, "unheard_of": [{"a": null}]
            """,
        ]
    )
    func neutral(fields: String) async throws {
        let (answer, request) = try await Self.ask("{\"prompt\": [1], \(fields)}")
        #expect(answer.hasPrefix("HTTP/1.1 200 ") && request != nil, "\(answer)")
    }

    @Test(
        "A lone surrogate in an escape is named, with its offset, wherever it is",
        arguments: [
            (#"{"prompt": "\ud800"}"#, #"\\ud800 at byte 12"#), (#"{"prompt": "a\uDFFF"}"#, #"\\uDFFF at byte 13"#),
            (#"{"prompt": "\ud83d\u0041"}"#, #"\\ud83d at byte 12"#), (#"{"prompt": ["\ude00\ud83d"]}"#, #"\\ude00"#),
            (#"{"prompt": "\\\ud800"}"#, #"\\ud800 at byte 14"#), (#"{"prompt": "x", "stop": "\ud800"}"#, #"\\ud800"#),
            (#"{"prompt": "x", "stop": ["a", "\udc00"]}"#, #"\\udc00"#),
            (#"{"prompt": "\ud83d\ud83d\ude00"}"#, #"\\ud83d"#),
            (#"{"prompt": "x", "model": "\ud800"}"#, #"\\ud800"#),
            (#"{"prompt": "x", "grammar": "\ud800"}"#, #"\\ud800"#),
        ]
    )
    func loneSurrogate(body: String, words: String) async throws {
        try await Self.expectRefusal(of: body, words)
        try await Self.expectRefusal(of: body, "lone surrogate")
    }

    @Test("Whole pairs and escaped backslashes are accepted")
    func pairs() async throws {
        #expect(try await Self.ask(#"{"prompt": "\ud83d\ude00"}"#).request?.prompt.isEmpty == false)
        #expect(try await Self.ask(#"{"prompt": "\\ud800", "stop": ["\\\\ud800"]}"#).request?.prompt.isEmpty == false)
    }

    @Test("Bytes that are not UTF-8 are named as such")
    func invalidUTF8() {
        for bytes in [[0xFF], [0xED, 0xA0, 0x80], [0xC3]] as [[UInt8]] {
            let body = ByteBuffer(bytes: Array(#"{"prompt": ""#.utf8) + bytes + Array("\"}".utf8))
            let error = #expect(throws: APIError.self) { try JSON.decode(CompletionRequest.self, from: body) }
            #expect(error?.message.contains("not valid UTF-8") == true)
        }
    }
}
