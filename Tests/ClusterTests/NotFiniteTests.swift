import Foundation
import FoundationNetworking
import PacelineServer
import PacelineSpeculation
import PacelineTestKit
import Testing

extension ClusterSuite {
    /// Infinities and NaN in weights or logits end with an error message and status, not with token 0 for ever.
    @Suite("Infinities and NaN", .timeLimit(.minutes(2)))
    struct NotFiniteTests {
        private static let lawless = 244
        /// The tiny target with float weights; after the token ``lawless`` its logits are NaN.
        private static let target = written(small.withoutLaw(behind: lawless), "lawless")
        private static let prompts = "{\"category\": \"a\", \"turns\": [\"the end\"]}\n"

        private static var small: TinyModel {
            var model = TinyModel()
            model.blockCount = 1
            return model
        }

        private static func written(_ model: TinyModel, _ name: String) -> String {
            do {
                return try TestFiles.file(model.serialised(), name: "\(name).gguf")
            } catch {
                preconditionFailure("cannot write \(name): \(error)")
            }
        }

        private static func expectSentence(_ arguments: [String], _ words: String, output: String = "") async throws {
            let result = try await CommandResult.of(arguments)
            #expect(result.status != 0 && result.status < 128, "\(result)")
            #expect(result.errors.hasPrefix("paceline: ") && result.errors.contains(words), "\(result.errors)")
            #expect(result.errors.split(separator: "\n").count == 1, "\(result.errors)")
            #expect(result.output == output)
        }

        @Test(
            "Every command that computes refuses a non-finite weight and names its tensor and row",
            arguments: [
                ("blk.0.ffn_down.weight", 3 * 512 + 5, Float.nan, "row 3 of the tensor blk.0.ffn_down.weight"),
                ("blk.0.attn_norm.weight", 7, .infinity, "row 0 of the tensor blk.0.attn_norm.weight"),
                ("output.weight", 17 * 256, -.infinity, "row 17 of the tensor output.weight"),
            ]
        )
        func weights(tensor: String, index: Int, value: Float, words: String) async throws {
            var model = Self.small
            model.weights = .f32
            model.spoilt[tensor] = [index: value]
            let path = Self.written(model, "spoilt")
            let prompts = try TestFiles.file(Array(Self.prompts.utf8), name: "prompts.jsonl")
            for arguments in [
                ["generate", "-m", path, "-p", "x"],
                ["verifier", "-m", path, "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--log-level", "error"],
                ["worker", "--connect", "127.0.0.1:1", "-md", path, "--log-level", "critical"],
                ["score", "-m", path, "-p", "x"],
                ["bench", "engine", "-m", path],
                ["bench", "methods", "-m", path, "--prompts", prompts],
            ] {
                try await Self.expectSentence(arguments, words)
            }
        }

        @Test("score, generate and bench methods stop at a non-finite logit and name its token and position")
        func logits() async throws {
            let words = "the model gives token 0 the logit nan at position"
            let (target, tokens) = (Self.target, "1,2,\(Self.lawless),3")
            try await Self.expectSentence(["score", "-m", target, "--tokens", tokens], words + " 3")
            try await Self.expectSentence(["generate", "-m", target, "--prompt-tokens", tokens], words + " 4")
            let bias = ["--logit-bias", "\(Self.lawless)=100"]
            let first = try await CommandResult.of(["generate", "-m", target, "--prompt-tokens", "1,2"] + bias)
            #expect(first.status == 1)
            #expect(first.errors.contains(words + " 3"))
            #expect(first.errors.split(separator: "\n").count == 1, "[\(first.errors)]")
            let before = try await CommandResult.of(
                "score",
                "-m",
                target,
                "--tokens",
                tokens,
                "--positions",
                "0,1",
                "--json"
            )
            #expect(before.status == 0 && before.output.contains("\"position\":1"))
            let prompts = try TestFiles.file(Array(Self.prompts.utf8), name: "prompts.jsonl")
            var model = Self.small.withoutLaw(behind: 0)
            model.spoilt["token_embd.weight"] = Dictionary(
                uniqueKeysWithValues: (0..<450).map { ($0 * 256, .infinity) }
            )
            let lawless = Self.written(model, "lawless-everywhere")
            try await Self.expectSentence(
                ["bench", "methods", "-m", lawless, "--prompts", prompts],
                "the logit nan"
            )
        }

        @Test("Over HTTP a non-finite logit gives status 500 or an error event, and the verifier survives")
        func http() async throws {
            let cluster = try await TestCluster(Self.target)
            let reason = "the model gives token 0 the logit nan at position"
            let before = try await cluster.generate(.greedy("the end", tokens: 5)).tokens
            let (status, body) = try await post(#"{"prompt": [1, 2, 244], "max_tokens": 4}"#, to: cluster)
            #expect(status == 500)
            #expect(try JSONDecoder().decode(ErrorBody.self, from: body).error.message.contains(reason + " 3"))
            let later =
                #"{"prompt": [1, 2], "max_tokens": 4, "temperature": 0, "logit_bias": {"244": 100}, "stream": true, "#
                + #""return_token_ids": true}"#
            let (streamStatus, stream) = try await post(later, to: cluster)
            let events = String(decoding: stream, as: UTF8.self).split(separator: "\n\n")
            #expect(streamStatus == 200 && events.count == 3 && events.last == "data: [DONE]")
            #expect(events.first?.contains("[244]") == true)
            #expect(events.dropLast().last?.contains(reason + " 3") == true)
            #expect(try await cluster.isReady())
            #expect(try await cluster.generate(.greedy("the end", tokens: 5)).tokens == before)
        }

        @Test("A drafter with a non-finite logit stops drafting for the request, and no token changes")
        func drafter() async throws {
            // So small a target would not wait for its drafts otherwise.
            let cluster = try await TestCluster(TestModels.tiny, "--drafting", "stop-and-wait", "--draft-wait", "1s")
            var request = CompletionRequest.greedy("", tokens: 24)
            request.prompt = .tokens([1, 2, Token(Self.lawless), 3])
            let expected = try await cluster.generate(request).tokens
            let drafter = Self.written(TinyModel().withoutLaw(behind: Self.lawless), "lawless-drafter")
            let worker = try cluster.startWorker([drafter], ["--log-level", "error"])
            try await cluster.waitForWorkers(1)
            // A request may end before its drafter has begun.
            while !worker.errors.contains("the model gives token 0 the logit nan at position") {
                #expect(try await cluster.generate(request).tokens == expected)
            }
            #expect(worker.isRunning)
            // Requests without that token still get drafts. Certain ones, or this target would not verify them.
            var lawful = CompletionRequest.greedy("the end", tokens: 40)
            lawful.logitBias = ["65": 100]
            while try await cluster.generate(lawful).draftedTokens == 0 {}
        }

        private func post(_ body: String, to cluster: TestCluster) async throws -> (Int?, Data) {
            let url = try #require(URL(string: "http://\(cluster.client.address)/v1/completions"))
            var request = URLRequest(url: url)
            request.httpMethod = "POST"
            request.httpBody = Data(body.utf8)
            let (data, response) = try await URLSession.shared.data(for: request)
            return ((response as? HTTPURLResponse)?.statusCode, data)
        }
    }
}
