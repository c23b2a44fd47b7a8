import PacelineSpeculation
import PacelineTestKit
import Testing

extension ClusterSuite {
    /// A prompt longer than one message can carry in version 1 of the draft link.
    @Suite("A prompt of 270,000 tokens", .serialized, .timeLimit(.minutes(10)))
    struct LongPromptTests {
        /// One small block that sees only the last 64 tokens, so that cost is proportional to the prompt's length.
        private static func model(_ perturbation: Float) -> TinyModel {
            var model = TinyModel().drafter(perturbation: perturbation)
            model.contextLength = 1 << 20
            model.slidingWindow = 64
            model.blockCount = 1
            model.embeddingLength = 64
            model.feedForwardLength = 64
            model.headCount = 2
            model.keyValueHeadCount = 1
            return model
        }

        private static let target = TestModels.written(model(0), "long")
        private static let drafter = TestModels.written(model(0.02), "long-drafter")

        @Test("is continued in a context of 1,000,000, with the same tokens for every drafter")
        func generate() async throws {
            // No merges: one token per character.
            var random = SplitMix(seed: 3)
            let letters = { (0..<7).map { _ in UInt8(65 + random.next() % 26) } }
            let words = (0..<500).map { _ in letters() + [UInt8(ascii: "-")] }
            let text = (0..<270_000 / 8).flatMap { _ in words[Int(random.next() % 500)] }
            let file = try TestFiles.file(text, name: "long.txt")
            let plain = try await Self.generate(file, "--workers", "0")
            #expect(plain.usage == GenerateOutput.Usage(prompt_tokens: 270_000, completion_tokens: 128))
            let drafted = try await Self.generate(file, "-md", "ngram", "-md", "suffix", "-md", Self.drafter)
            #expect(drafted.tokens == plain.tokens)
            #expect(drafted.usage == plain.usage)
            // A worker that disconnects for a moment counts twice.
            #expect(drafted.workers.count >= 3)
            // Trees name their base by its hash, so a worker whose trees are used has the whole prompt.
            #expect(drafted.spec_decode.num_draft_tokens > 0)
        }

        private static func generate(_ file: String, _ options: String...) async throws -> GenerateOutput {
            let request = ["-f", file, "-c", "1000000", "-n", "128", "--ignore-eos"]
            return try await CommandResult.json(
                GenerateOutput.self,
                of: ["generate", "--json", "-m", target] + request + options
            )
        }
    }
}
