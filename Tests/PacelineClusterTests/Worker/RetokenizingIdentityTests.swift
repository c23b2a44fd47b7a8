import PacelineModel
import PacelineSpeculation
import PacelineTestKit
import Testing

@testable import PacelineCluster

/// A tiny model that drafts for one with other tokens: what they have in common is text.
@Suite("Identity of tokens with a drafter of another vocabulary")
struct RetokenizingIdentityTests {
    private final class Source: DrafterSource {
        private let inner: TinyDrafterSource
        private let drafter: Tokenizer
        private let target: Tokenizer

        init() throws {
            inner = try TinyDrafterSource(perturbation: 0)
            target = try TinyModel().tokenizer()
            var model = TinyModel()
            model.tokenTexts = [Int(TinyVocabulary.shared.controlTokens[0]): "<|end|>"]
            drafter = try model.tokenizer()
        }

        func makeDrafters() throws -> [any Drafter] {
            inner.makeDrafters().map { RetokenizingDrafter($0, drafter: drafter, target: target) }
        }
    }

    private static func cluster(_ drafters: [any DrafterSource]) throws -> MachineCluster {
        try MachineCluster(
            target: .tiny(),
            engine: try TransformerEngineTests.engine(threads: 1),
            drafters: drafters
        )
    }

    @Test("a verifier and two workers, one of them with the target's vocabulary, emit the tokens of plain decoding")
    func cluster() throws {
        let requests = [.greedy, SamplingParameters(temperature: 0.8, topP: 0.95, seed: 5)].map { sampling in
            GenerationRequest(
                prompt: Array(TransformerEngineTests.text.prefix(40)),
                sampling: sampling,
                maximumTokens: 24
            )
        }
        let plain = try Self.cluster([])
        let expected = requests.map { plain.answer($0).tokens }
        for others in [[], [try TinyDrafterSource(perturbation: 0.3)]] {
            let drafted = try Self.cluster([try Source()] + others)
            let ids = requests.map(drafted.submit)
            drafted.run()
            #expect(ids.map { drafted.answers[$0]?.tokens } == expected)
            #expect(drafted.largestTrees.values.contains { $0 > 0 }, "nothing was verified")
        }
    }
}
