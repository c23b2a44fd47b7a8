import HTTPTypes
import NIOCore
import PacelineSpeculation
import Testing

@testable import PacelineServer

@Suite("Completion requests")
struct CompletionRequestTests {
    private func decode(_ json: String) throws -> CompletionRequest {
        try JSON.decode(CompletionRequest.self, from: ByteBuffer(string: json))
    }

    @Test("All fields reach the sampling parameters")
    func fields() throws {
        let request = try decode(
            """
            {"prompt": [1, 2], "max_tokens": 7, "temperature": 0.5, "top_k": 3, "top_p": 0.25, "min_p": 0.125,
             "repetition_penalty": 1.5, "frequency_penalty": -1, "presence_penalty": 2, "repeat_last_n": -1,
             "logit_bias": {"9": -100, "3": 1}, "stop": "x", "seed": 18446744073709551615, "ignore_eos": true,
             "stream": true, "user": "ignored"}
            """
        )
        #expect(request.prompt == .tokens([1, 2]))
        #expect(request.maxTokens == 7)
        #expect(request.stop == StopStrings(["x"]))
        #expect(request.ignoreEOS == true && request.stream == true)
        let sampling = try request.sampling(vocabularySize: 10, randomSeed: 0)
        #expect(
            sampling
                == SamplingParameters(
                    temperature: 0.5,
                    topK: 3,
                    topP: 0.25,
                    minP: 0.125,
                    repetitionPenalty: 1.5,
                    frequencyPenalty: -1,
                    presencePenalty: 2,
                    repeatLastN: -1,
                    logitBias: [.init(token: 3, bias: 1), .init(token: 9, bias: -100)],
                    seed: .max
                )
        )
    }

    @Test("Without a seed one is drawn; by default the distribution is the target's own")
    func defaults() throws {
        let sampling = try decode(#"{"prompt": "x"}"#).sampling(vocabularySize: 10, randomSeed: 42)
        #expect(sampling == SamplingParameters(seed: 42))
    }

    @Test(
        "An error names the mistake in one sentence",
        arguments: [
            ("", "not valid JSON"),
            ("[1]", "at the top"),
            ("{\"prompt\": \"x\"", "not valid JSON"),
            ("{}", "prompt is missing"),
            (#"{"prompt": 3}"#, "prompt must be one string"),
            (#"{"prompt": ["a", "b"]}"#, "prompt must be one string"),
            (#"{"prompt": [-1]}"#, "prompt must be one string"),
            (#"{"prompt": "x", "max_tokens": "many"}"#, "max_tokens must be a whole number"),
            (#"{"prompt": "x", "max_tokens": 1e40}"#, "out of the range of its field"),
            (#"{"prompt": "x", "temperature": true}"#, "temperature must be a number"),
            (#"{"prompt": "x", "stop": 4}"#, "stop must be a string or an array of strings"),
            (#"{"prompt": "x", "max_tokens": 9223372036854775808}"#, "out of the range of its field"),
            (#"{"prompt": "x", "logit_bias": [1]}"#, "logit_bias"),
        ]
    )
    func malformed(json: String, words: String) {
        let error = #expect(throws: APIError.self) { try decode(json) }
        #expect(error?.status == .badRequest)
        #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
    }

    @Test(
        "An error names a value out of range with its range",
        arguments: [
            (#"{"prompt": "x", "temperature": -1}"#, "temperature must be"),
            (#"{"prompt": "x", "top_p": 0}"#, "top_p must be above 0"),
            (#"{"prompt": "x", "logit_bias": {"abc": 1}}"#, "\"abc\", which must be a token id"),
            (#"{"prompt": "x", "logit_bias": {"10": 1}}"#, "token 10, but the vocabulary has 10"),
        ]
    )
    func outOfRange(json: String, words: String) throws {
        let request = try decode(json)
        let error = #expect(throws: APIError.self) { try request.sampling(vocabularySize: 10, randomSeed: 0) }
        #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
    }

    @Test("Stop strings must be few, short and not empty")
    func stopStrings() throws {
        #expect(throws: APIError.self) { try StopStrings([""]).validate() }
        #expect(throws: APIError.self) { try StopStrings(Array(repeating: "x", count: 17)).validate() }
        #expect(throws: APIError.self) { try StopStrings([String(repeating: "x", count: 1025)]).validate() }
        try StopStrings(["a", "b"]).validate()
    }

    @Test("Deep nesting is refused without a crash")
    func nesting() {
        let depth = 100_000
        let json = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        #expect(throws: APIError.self) { try decode(#"{"prompt": "# + json + "}") }
    }
}
