import PacelineModel
import PacelineSpeculation
import PacelineTestKit
import Testing

@testable import PacelineCluster

@Suite("Log-probabilities")
struct LogProbabilityTests {
    private static let sampled = SamplingParameters(temperature: 0.9, topP: 0.95, presencePenalty: 0.5, seed: 3)

    private static func request(
        _ length: Int,
        _ wanted: LogProbabilityRequest?,
        _ sampling: SamplingParameters = .greedy
    ) -> GenerationRequest {
        let prompt = Array(TransformerEngineTests.text.prefix(length))
        var request = GenerationRequest(prompt: prompt, sampling: sampling, maximumTokens: 20)
        request.logProbabilities = wanted
        return request
    }

    private static func cluster(isDrafted: Bool) throws -> MachineCluster {
        try MachineCluster(
            target: .tiny(),
            engine: try TransformerEngineTests.engine(threads: 1),
            drafters: isDrafted ? [try TinyDrafterSource(perturbation: 0.3)] : []
        )
    }

    /// The law of each token of a text after the first, computed in one go.
    private static func laws(of text: [Token], top: Int) throws -> [[Candidate]] {
        let transformer = try TinyModel.with(weights: .q4_0).transformer(threads: 1)
        return try Scorer(transformer: transformer).score(text, count: top).map(\.top)
    }

    @Test("are bit for bit those of the raw softmax, with drafts, prefix hits and other requests, and without")
    func identity() throws {
        let wanted = LogProbabilityRequest(top: 5)
        let requests = [1, 70, 150, 150, 200].flatMap { length in
            [SamplingParameters.greedy, Self.sampled].map { Self.request(length, wanted, $0) }
        }
        let drafted = try Self.cluster(isDrafted: true)
        let ids = requests.map(drafted.submit)
        drafted.run()
        let plain = try Self.cluster(isDrafted: false)
        for (id, request) in zip(ids, requests) {
            let answer = try #require(drafted.answers[id])
            let alone = plain.answer(request)
            #expect(answer.tokens == alone.tokens)
            #expect(answer.logProbabilities == alone.logProbabilities)
            #expect(answer.prompt == nil)
            let laws = try Self.laws(of: request.prompt + answer.tokens, top: 1_000)
            for (offset, entry) in answer.logProbabilities.enumerated() {
                let law = laws[request.prompt.count + offset - 1]
                #expect(entry.token == answer.tokens[offset])
                #expect(entry.top == Array(law.prefix(5)))
                #expect(law.contains(Candidate(token: entry.token, logProbability: entry.logProbability)))
            }
        }
        let snapshot = drafted.verifier.snapshot
        #expect(snapshot.speculation.acceptedTokens > 20)
        #expect(snapshot.reusedTokens > 0)
    }

    @Test("of the prompt come first and once, also where its pages are cached")
    func prompt() throws {
        let wanted = LogProbabilityRequest(top: 2, includesPrompt: true)
        let cluster = try Self.cluster(isDrafted: true)
        // Leaves the prompt's pages behind.
        #expect(cluster.answer(Self.request(200, nil)).logProbabilities.isEmpty)
        for length in [200, 2, 1] {
            let ids = [Self.request(length, wanted), Self.request(length, nil)].map(cluster.submit)
            cluster.run()
            let answers = ids.compactMap { cluster.answers[$0] }
            let prompt = TransformerEngineTests.text.prefix(length)
            let laws = try Self.laws(of: Array(prompt), top: 1_000)
            let scores = try #require(answers[0].prompt)
            #expect(scores.map(\.token) == Array(prompt.dropFirst()))
            for (entry, law) in zip(scores, laws) {
                #expect(entry.top == Array(law.prefix(2)))
                #expect(law.contains(Candidate(token: entry.token, logProbability: entry.logProbability)))
            }
            #expect(answers[0].summary?.cachedTokens == 0)
            #expect(answers[0].logProbabilities.count == 20)
            #expect(answers[0].tokens == answers[1].tokens)
            #expect(answers[1].prompt == nil && answers[1].logProbabilities.isEmpty)
        }
    }

    @Test("of a request that goes on are those of the rest")
    func resumed() throws {
        let cluster = try Self.cluster(isDrafted: true)
        var request = Self.request(40, LogProbabilityRequest(top: 3, includesPrompt: true), Self.sampled)
        let whole = cluster.answer(request)
        request.generated = Array(whole.tokens.prefix(7))
        let rest = cluster.answer(request)
        #expect(rest.logProbabilities == Array(whole.logProbabilities.dropFirst(7)))
        #expect(rest.prompt == nil)
    }

    @Test("are refused beyond their limit", arguments: [-1, 21])
    func refusal(count: Int) throws {
        let answer = try MachineCluster().answer(Self.request(5, LogProbabilityRequest(top: count)))
        #expect(answer.fault == .invalidLogProbabilityCount(count: count, limit: 20))
    }
}
