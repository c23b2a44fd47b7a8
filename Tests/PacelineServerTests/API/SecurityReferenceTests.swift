import HTTPTypes
import PacelineServer
import Testing

/// Holes that were found in other systems, and the rules that keep them out of the API. `Protocols/SECURITY.md` lists
/// them.
@Suite("Security references: the API")
struct APISecurityReferenceTests {
    private static let model = Result { try TestModel.served(contextLength: 128) }

    /// The status of the answer to a completion with one more field.
    private static func status(_ field: String, _ value: String) async throws -> Int {
        let model = try model.get()
        let calls = APICalls(model: model, backend: TextBackend(model.tokenizer, ["ab"]))
        do {
            _ = try await calls.reply(.completions, "{\"prompt\": [1], \"\(field)\": \(value)}")
            return 200
        } catch let error as APIError {
            return error.status.code
        }
    }

    @Test(
        "CVE-2026-21869: a negative count is refused, and so is one that no machine holds",
        arguments: ["max_tokens", "n", "min_tokens", "logprobs", "best_of", "n_predict", "stop_token_ids", "top_p"]
    )
    func negativeCounts(field: String) async throws {
        // -1 is llama.cpp's word for "no limit", and never a count.
        let isLimit = ["max_tokens", "n_predict"].contains(field)
        for value in [
            isLimit ? "-2" : "-1", "-2147483649", "-9223372036854775808", "9223372036854775808", "1e300", "-0.5",
        ] {
            #expect(try await Self.status(field, value) == 400, "\(field): \(value)")
        }
    }

    @Test("CVE-2026-21869: negative and enormous token ids are refused")
    func negativeTokens() async throws {
        for field in ["prompt", "stop_token_ids"] {
            for token in ["-1", "4294967296", "18446744073709551615", "1000000"] {
                #expect(try await Self.status(field, "[\(token)]") == 400, "\(field): \(token)")
            }
        }
        #expect(try await Self.status("logit_bias", #"{"-1": 1}"#) == 400)
        #expect(try await Self.status("resume", #"{"tokens": [-1]}"#) == 400)
    }

    @Test("CVE-2025-62164: no endpoint takes tensors, embeddings or anything else but text, numbers and token ids")
    func tensors() async throws {
        #expect(try await Self.status("prompt_embeds", "\"gASVAAAA\"") == 400)
        #expect(try await Self.status("prompt", #"{"dtype": "float32", "data": "AAAA"}"#) == 400)
        let model = try Self.model.get()
        let calls = APICalls(model: model, backend: TextBackend(model.tokenizer, ["ab"]))
        for part in [
            #"{"type": "image_url", "image_url": {"url": "file:///etc/passwd"}}"#,
            #"{"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}"#,
            #"{"type": "image_embeds", "image_embeds": "AAAA"}"#,
        ] {
            let error = await #expect(throws: APIError.self) {
                try await calls.reply(.chat, #"{"messages": [{"role": "user", "content": [\#(part)]}]}"#)
            }
            #expect(error?.status.code == 400, "\(part)")
        }
    }
}
