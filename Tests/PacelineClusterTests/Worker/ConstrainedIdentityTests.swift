import PacelineGrammar
import PacelineModel
import PacelineSpeculation
import PacelineTestKit
import Testing

@testable import PacelineCluster

/// A tiny model with an imperfect drafter of it that knows what the text must be.
@Suite("Identity of tokens with drafters that know the constraint")
struct ConstrainedIdentityTests {
    private static let schema = """
        {"type": "object", "properties": {"name": {"type": "string", "maxLength": 6}, "n": {"type": "integer"}, \
        "kind": {"enum": ["the", "which", "number"]}, "more": {"type": "array", "items": {"type": "boolean"}, \
        "maxItems": 2}}, "required": ["name", "n", "kind"]}
        """
    private static let sources: [GrammarSource] = [
        .jsonSchema(schema), .regex("(the|there| way){3,5}[a-f]{0,9}"),
        .gbnf("root ::= \"(\" (root | [a-z]{1,3}) \")\""),
    ]
    private static let samplings: [SamplingParameters] = [
        .greedy, SamplingParameters(temperature: 1, seed: 3),
        SamplingParameters(temperature: 1.5, topK: 40, topP: 0.9, repetitionPenalty: 1.3, seed: 4),
    ]

    private static func requests() throws -> [GenerationRequest] {
        let tokenizer = try TinyModel.with(weights: .q4_0).tokenizer()
        return try sources.flatMap { source in
            let constraint = try Constraint(source, tokenizer: tokenizer)
            return samplings.map { sampling in
                var request = GenerationRequest(
                    prompt: Array(TransformerEngineTests.text.prefix(20)),
                    sampling: sampling,
                    maximumTokens: 40,
                    stopTokens: tokenizer.endOfGeneration
                )
                request.constraint = constraint
                return request
            }
        }
    }

    private static func cluster(
        _ drafters: [any DrafterSource],
        usesConstraints: Bool = false
    ) throws -> MachineCluster {
        let cluster = try MachineCluster(
            target: .tiny(),
            engine: try TransformerEngineTests.engine(threads: 1),
            drafters: drafters,
            usesConstraints: usesConstraints
        )
        cluster.observe(Observation(recordsRounds: true))
        return cluster
    }

    /// What rounds accepted and verified.
    private static func acceptance(_ cluster: MachineCluster) -> (accepted: Int, verified: Int, rounds: Int) {
        cluster.records.reduce(into: (0, 0, 0)) { sum, record in
            guard case .verify(let verified, let accepted, _) = record.work else { return }
            sum = (sum.0 + accepted, sum.1 + verified, sum.2 + 1)
        }
    }

    @Test("tokens are those of plain decoding, and the constraint lets more drafts be accepted")
    func identity() throws {
        let requests = try Self.requests()
        let plain = try Self.cluster([])
        let expected = requests.map { plain.answer($0).tokens }
        #expect(Set(expected).count > 3 && expected.allSatisfy { $0.count > 1 })
        var accepted: [Double] = []
        for usesConstraints in [false, true] {
            let refused = RefusalCount()
            let drafter = try TinyDrafterSource(perturbation: 0.6) { _ in refused.count += 1 }
            let drafted = try Self.cluster([drafter], usesConstraints: usesConstraints)
            let answers = requests.map { drafted.answer($0) }
            #expect(answers.map(\.tokens) == expected)
            #expect(answers.allSatisfy { $0.fault == nil } && refused.count == 0)
            let sum = Self.acceptance(drafted)
            accepted.append(Double(sum.accepted) / Double(sum.rounds))
        }
        #expect(accepted[1] > accepted[0], "\(accepted) drafts accepted a round, without and with the constraint")
    }

    @Test("tokens are those of plain decoding with two workers, one of which drafts what it likes")
    func mixed() throws {
        let requests = try Self.requests()
        let plain = try Self.cluster([])
        let expected = requests.map { plain.answer($0).tokens }
        let sources: [any DrafterSource] = [try TinyDrafterSource(perturbation: 0.3), LawlessSource()]
        let drafted = try Self.cluster(sources, usesConstraints: true)
        let ids = requests.map { drafted.submit($0) }
        drafted.run()
        #expect(ids.map { drafted.answers[$0]?.tokens } == expected)
        #expect(Self.acceptance(drafted).accepted > 0)
    }

    private final class RefusalCount {
        var count = 0
    }

    /// Drafters that make nothing of a constraint.
    private final class LawlessSource: DrafterSource {
        private var seed: UInt64 = 0

        func makeDrafters() -> [any Drafter] {
            seed += 1
            return [RandomDrafter(seed: seed)]
        }
    }
}
