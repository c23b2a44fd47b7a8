import PacelineCluster
import PacelineModel
import PacelineServer
import PacelineSpeculation
import PacelineTestKit
import Testing

/// What clients send that must not be refused, and what it means.
@Suite("Fields of requests")
struct ToleranceTests {
    private func request(
        _ endpoint: APICalls.Endpoint,
        _ body: String
    ) async throws -> (backend: TextBackend, answer: JSONObject) {
        let model = try TestModel.served()
        let backend = TextBackend(model.tokenizer, ["a b c d e f g h"])
        return (backend, try await APICalls(model: model, backend: backend).whole(endpoint, body))
    }

    @Test("that ask for nothing, are null or unknown are ignored at any depth")
    func neutral() async throws {
        let completion = """
            "logprobs": null, "n": 1, "best_of": 1, "echo": false, "suffix": "", "top_logprobs": 0, "min_tokens": 0,
            "response_format": {"type": "text"}, "stop_token_ids": [], "mirostat": 0, "skip_special_tokens": true,
            "typical_p": 1, "repeat_penalty": 1.0, "user": "x", "cache_prompt": true, "priority": 3, "stop": null,
            "stream_options": {"include_usage": true, "x": {"y": 1}}, "unheard_of": [{"a": null}], "grammar": "",
            "max_tokens": null, "temperature": null, "seed": null, "logit_bias": null, "prediction": null
            """
        _ = try await request(.completions, "{\"prompt\": [1], \(completion)}")
        let chat = """
            {"messages": [{"role": "user", "content": "Hi", "id": 7, "opts": {"a": 1}, "name": "Ann"}], "tools": [],
             "tool_choice": "none", "parallel_tool_calls": false, "functions": [], "modalities": ["text"],
             "metadata": {"a": "b"}, "store": true, "service_tier": "auto", "verbosity": "low", "function_call": "none",
             "safety_identifier": "x", "prompt_cache_key": "x", "logprobs": false, "top_logprobs": 0, "audio": null,
             "response_format": {"type": "text"}, "reasoning_effort": null, "chat_template_kwargs": null}
            """
        _ = try await request(.chat, chat)
    }

    @Test("reach the sampling parameters by every name")
    func sampling() async throws {
        let body = """
            {"prompt": [1, 2], "max_tokens": 7, "temperature": 0.5, "top_k": 3, "top_p": 0.25, "min_p": 0.125,
             "repetition_penalty": 1.5, "frequency_penalty": -1, "presence_penalty": 2, "repeat_last_n": -1,
             "logit_bias": {"9": -100, "3": 1}, "seed": 18446744073709551615}
            """
        let sampling = try await request(.completions, body).backend.requests[0].sampling
        let expected = SamplingParameters(
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
        #expect(sampling == expected)
        let other = #"{"prompt": [1], "repeat_penalty": 1.25, "top_k": -1, "seed": 0}"#
        let parameters = try await request(.completions, other).backend.requests[0].sampling
        #expect(parameters.repetitionPenalty == 1.25 && parameters.topK == 0 && parameters.temperature == 1)
    }

    @Test(
        "Every whole number is a seed by its 64 bits, and the answer reports it",
        arguments: [
            ("0", 0), ("7", 7), ("7.0", 7), ("9223372036854775807", 1 << 63 - 1), ("9223372036854775808", 1 << 63),
            ("18446744073709551615", .max), ("-2", .max - 1), ("-9223372036854775808", 1 << 63),
        ] as [(String, UInt64)]
    )
    func seeds(number: String, bits: UInt64) async throws {
        let (backend, answer) = try await request(.completions, "{\"prompt\": [1], \"seed\": \(number)}")
        #expect(backend.requests[0].sampling.seed == bits)
        #expect(!answer["seed"].isAbsent)
    }

    @Test("Without a seed, or with -1, one is drawn that every client can read and the answer reports")
    func drawnSeeds() async throws {
        var seeds: Set<UInt64> = []
        for field in ["", #", "seed": -1"#, #", "seed": null"#] {
            let (backend, answer) = try await request(.completions, "{\"prompt\": [1]\(field)}")
            let seed = backend.requests[0].sampling.seed
            #expect(seed < 1 << 53 && answer["seed"].int.map(UInt64.init) == seed)
            seeds.insert(seed)
        }
        #expect(seeds.count == 3)
    }

    @Test("The newest name of the limit wins, and chat without one may fill the context")
    func limits() async throws {
        let message = #""messages": [{"role": "user", "content": "Hi"}]"#
        let both = try await request(.chat, "{\(message), \"max_tokens\": 3, \"max_completion_tokens\": 5}")
        #expect(both.backend.requests[0].maximumTokens == 5)
        let open = try await request(.chat, "{\(message)}").backend.requests[0]
        #expect(open.prompt.count + open.maximumTokens == 2048)
        let high = try await request(.chat, "{\(message), \"max_tokens\": 100000}").backend.requests[0]
        #expect(high.prompt.count + high.maximumTokens == 2048)
        #expect(try await request(.completions, #"{"prompt": [1]}"#).backend.requests[0].maximumTokens == 16)
        #expect(
            try await request(.completions, #"{"prompt": [1], "n_predict": 4}"#).backend.requests[0].maximumTokens == 4
        )
    }

    @Test("reach the verifier as it knows them")
    func generation() async throws {
        let body = """
            {"prompt": [1], "min_tokens": 3, "stop_token_ids": [7, 8], "ignore_eos": true, "cache_salt": "pepper",
             "speculative.n_max": 0, "prediction": {"type": "content", "content": [{"type": "text", "text": "a b"}]}}
            """
        let (backend, answer) = try await request(.completions, body)
        let generation = backend.requests[0]
        #expect(generation.minimumTokens == 3 && generation.stopTokens == [7, 8] && generation.cacheSalt == "pepper")
        let model = try TestModel.served()
        #expect(generation.draftLimit == 0 && generation.prediction == model.tokenizer.encode("a b"))
        let details = answer["usage"]["completion_tokens_details"]
        #expect(details["accepted_prediction_tokens"].int == 3 && details["rejected_prediction_tokens"].int == 2)
        let nested = try await request(.completions, #"{"prompt": [1], "speculative": {"n_max": 4}}"#).backend.requests[
            0
        ]
        #expect(nested.draftLimit == 4 && nested.stopTokens == model.tokenizer.endOfGeneration)
    }

    @Test("Stop strings count only behind the least number of tokens")
    func minimum() async throws {
        let (_, answer) = try await request(.completions, #"{"prompt": [1], "stop": [" b", " f"], "max_tokens": 50}"#)
        #expect(answer["choices"][0]["text"].string == "a")
        let late = try await request(
            .completions,
            #"{"prompt": [1], "stop": [" b", " f"], "max_tokens": 50, "min_tokens": 5}"#
        )
        #expect(late.answer["choices"][0]["text"].string == "a b c d e")
    }
}
