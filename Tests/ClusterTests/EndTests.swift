import PacelineTestKit
import Testing

extension ClusterSuite {
    /// Where a generation ends, on the command line.
    @Suite("Ends of generations", .timeLimit(.minutes(2)))
    struct EndTests {
        private static let (start, end) = (
            TinyVocabulary.shared.controlTokens[1], TinyVocabulary.shared.controlTokens[2]
        )

        @Test("a special token ends the text as a stop string, and an end token does by default")
        func special() async throws {
            let prompt = ["-m", TestModels.tiny, "-p", "the", "-n", "5", "--workers", "0"]
            let start = ["--logit-bias", "\(Self.start)=100"], end = ["--logit-bias", "\(Self.end)=100"]
            let stopped = try await GenerateOutput.of(prompt + start + ["--stop", "<|im_start|>"])
            #expect(stopped.tokens == [Self.start] && stopped.finish_reason == "stop" && stopped.text.isEmpty)
            let free = try await GenerateOutput.of(prompt + start)
            #expect(free.tokens.count == 5 && free.finish_reason == "length" && free.text.isEmpty)
            let ended = try await GenerateOutput.of(prompt + end)
            #expect(ended.tokens == [Self.end] && ended.finish_reason == "stop" && ended.text.isEmpty)
            let ignored = try await GenerateOutput.of(prompt + end + ["--ignore-eos"])
            #expect(ignored.tokens.count == 5 && ignored.finish_reason == "length")
            let asked = try await GenerateOutput.of(prompt + end + ["--ignore-eos", "--stop", "<|im_end|>"])
            #expect(asked.tokens == [Self.end] && asked.finish_reason == "stop")
        }
    }
}
