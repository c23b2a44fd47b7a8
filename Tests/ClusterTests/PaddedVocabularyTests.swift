import PacelineServer
import PacelineSpeculation
import PacelineTestKit
import Testing

extension ClusterSuite {
    /// A target and a drafter whose files differ only in padding and in token types, as those of one family do. The
    /// padding has large weights, so any code that can sample or propose padding does.
    @Suite("Padded vocabularies", .serialized, .timeLimit(.minutes(5)))
    struct PaddedVocabularyTests {
        private static let size = TinyVocabulary.shared.tokens.count

        private static let target: String = {
            var model = TinyModel()
            model.padding.rows = 64
            return TestModels.written(model, "padded")
        }()

        private static let drafter: String = {
            var model = TinyModel().drafter()
            model.padding.rows = 200
            model.padding.spelling = .fromZero
            model.padding.type = 4
            for token in TinyVocabulary.shared.controlTokens { model.tokenTypes[Int(token)] = 4 }
            return TestModels.written(model, "otherwise-padded")
        }()

        private static let prompt = "def add(a, b):\n    return a + b\n\ndef sub(a, b):\n    return"

        private static func request(_ seed: UInt64) -> CompletionRequest {
            seed == 0 ? .greedy(prompt, tokens: 48) : .sampled(prompt, tokens: 48, seed: seed)
        }

        @Test("give the tokens of the model without padding, and drafts for one another are accepted")
        func identity() async throws {
            let bare = try await TestCluster(TestModels.tiny)
            let drafted = try await TestCluster(Self.target, "--always-draft")
            let workers = [
                try drafted.startWorker([Self.drafter]), try drafted.startWorker([TestModels.tinyDrafter]),
                try drafted.startWorker([Self.drafter], ["--draft-vocab", "300"]),
            ]
            try await drafted.waitForWorkers(workers.count)
            var accepted = 0
            for seed in 0...6 as ClosedRange<UInt64> {
                let expected = try await bare.generate(Self.request(seed))
                let found = try await drafted.generate(Self.request(seed))
                #expect(found.tokens == expected.tokens, "seed \(seed)")
                #expect(found.tokens.allSatisfy { $0 < Self.size })
                accepted += found.acceptedTokens
            }
            #expect(accepted > 0)
        }

        @Test("are accepted by generate, which starts no process for a drafter that the verifier would refuse")
        func command() async throws {
            let plain = try await GenerateOutput.of("-m", TestModels.tiny, "-p", Self.prompt, "-n", "32")
            let models = ["-m", Self.target, "-md", Self.drafter]
            let drafted = try await CommandResult.json(
                GenerateOutput.self,
                of: ["generate", "--json", "-p", Self.prompt, "-n", "32"] + models
            )
            #expect(drafted.tokens == plain.tokens)
        }

        @Test("padding is refused as a token, in one sentence")
        func padding() async throws {
            let first = "\(Self.size)"
            let sentences = [
                "the token \(first) is outside the vocabulary of \(first) tokens":
                    ["generate", "-m", Self.target, "--prompt-tokens", first],
                "logit_bias names token \(first), but the vocabulary has \(first) tokens":
                    ["generate", "-m", Self.target, "-p", "x", "--logit-bias", "\(first)=100"],
                "token id \(first) is outside the model's vocabulary of \(first) tokens":
                    ["score", "-m", Self.target, "--tokens", "1,\(first)"],
            ]
            for (sentence, arguments) in sentences {
                let result = try await CommandResult.of(arguments)
                #expect(result.status != 0 && result.output.isEmpty)
                #expect(result.errors.contains(sentence), "\(result.errors)")
                #expect(result.errors.split(separator: "\n").count == 1, "\(result.errors)")
            }
            let cluster = try await TestCluster(Self.target)
            var request = CompletionRequest(prompt: .tokens([1, Token(Self.size)]))
            let error = await #expect(throws: ServerClientError.self) { try await cluster.generate(request) }
            #expect(error?.description == "the prompt holds token \(first), but the vocabulary has \(first) tokens")
            request = .greedy("x", tokens: 4)
            request.logitBias = [first: 100]
            let biased = await #expect(throws: ServerClientError.self) { try await cluster.generate(request) }
            #expect(biased?.description == "logit_bias names token \(first), but the vocabulary has \(first) tokens")
        }
    }
}
