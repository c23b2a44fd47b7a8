import PacelineModel
import PacelineSimulation
import PacelineSpeculation
import PacelineTestKit
import Testing

@testable import PacelineCluster

@Suite("A request that goes on behind generated tokens")
struct ResumeTests {
    /// How a text may end, and what the law depends on.
    struct Case: CustomTestStringConvertible {
        let testDescription: String
        var sampling = SamplingParameters.greedy
        var stops: [String] = []
        var stopTokens: Set<Token> = []
        var minimum = 0
        var reason = FinishReason.length
    }

    private static let tokenizer = try? TinyModel.with(weights: .q4_0).tokenizer()
    private static let maximum = 24

    private static func request(_ item: Case, generated: [Token] = []) throws -> GenerationRequest {
        var request = GenerationRequest(
            prompt: [5, 9, 14, 3],
            sampling: item.sampling,
            maximumTokens: maximum,
            stopTokens: item.stopTokens,
            text: SpelledText(try #require(tokenizer), stops: item.stops)
        )
        request.generated = generated
        request.minimumTokens = item.minimum
        return request
    }

    private static func cluster(isDrafted: Bool) throws -> MachineCluster {
        try MachineCluster(
            target: .tiny(),
            engine: try TransformerEngineTests.engine(threads: 1),
            drafters: isDrafted ? [try TinyDrafterSource(perturbation: 0.3)] : []
        )
    }

    /// Endings that lie in the middle of what the model says.
    private static func cases() throws -> [Case] {
        var sampled = SamplingParameters(temperature: 0.9, topP: 0.95, repetitionPenalty: 1.2, seed: 4)
        sampled.presencePenalty = 0.3
        var cases: [Case] = []
        for (name, sampling) in [("greedy", SamplingParameters.greedy), ("sampled", sampled)] {
            let plain = try cluster(isDrafted: false).answer(request(Case(testDescription: "", sampling: sampling)))
            let stop = String(plain.text.dropFirst(plain.text.count / 2).prefix(3))
            let token = plain.tokens[10]
            cases.append(Case(testDescription: name, sampling: sampling))
            cases.append(
                Case(testDescription: "\(name), stop string", sampling: sampling, stops: [stop], reason: .stop)
            )
            cases.append(
                Case(testDescription: "\(name), stop token", sampling: sampling, stopTokens: [token], reason: .stop)
            )
            var late = Case(testDescription: "\(name), stops in vain", sampling: sampling)
            (late.stops, late.stopTokens, late.minimum) = ([stop], [token], maximum)
            cases.append(late)
        }
        return cases
    }

    @Test("gets the rest, whatever was cut off, with drafts and without")
    func everyCut() throws {
        for item in try Self.cases() {
            let whole = try Self.cluster(isDrafted: false).answer(Self.request(item))
            #expect(whole.summary?.reason == item.reason, "\(item.testDescription)")
            #expect(whole.pieces.allSatisfy { $0.tokens.count == 1 })
            for isDrafted in [false, true] {
                let cluster = try Self.cluster(isDrafted: isDrafted)
                for cut in 0...whole.tokens.count {
                    let generated = Array(whole.tokens.prefix(cut))
                    let rest = cluster.answer(try Self.request(item, generated: generated))
                    let name = "\(item.testDescription), after \(cut)"
                    #expect(rest.tokens == Array(whole.tokens.dropFirst(cut)), "\(name)")
                    #expect(rest.text == whole.pieces.dropFirst(cut).map(\.text).joined(), "\(name)")
                    #expect(rest.summary?.reason == item.reason, "\(name)")
                    #expect(rest.summary?.completionTokens == whole.tokens.count, "\(name)")
                    #expect(rest.summary?.promptTokens == 4)
                }
                if isDrafted { #expect(cluster.verifier.snapshot.speculation.acceptedTokens > 5) }
            }
        }
    }

    @Test("is refused if it ended earlier, in words that say where")
    func beyondTheEnd() throws {
        let cluster = try MachineCluster()
        var request = GenerationRequest(prompt: [1], sampling: .greedy, maximumTokens: 9, stopTokens: [7])
        request.generated = [3, 7, 4]
        let fault = cluster.answer(request).fault
        #expect(fault == .generatedBeyondEnd(tokens: 3, end: 2))
        #expect(
            fault?.description
                == "the request ends after 2 generated tokens, and cannot go on behind 3; send the first 2"
        )
        request.generated = Array(repeating: 3, count: 10)
        #expect(cluster.answer(request).fault == .generatedBeyondEnd(tokens: 10, end: 9))
        request.generated = [3, 2_000]
        #expect(cluster.answer(request).fault == .tokenOutOfVocabulary(token: 2_000, vocabularySize: 1024))
    }

    @Test("with a least number of tokens gets no stop token before, and is refused a least above the most")
    func minimum() throws {
        let cluster = try MachineCluster()
        let plain = MockText.plain(prompt: [1], seed: 3, count: 30)
        var request = GenerationRequest(
            prompt: [1],
            sampling: SamplingParameters(seed: 3),
            maximumTokens: 30,
            stopTokens: Set(plain)
        )
        request.minimumTokens = 12
        let answer = cluster.answer(request)
        #expect(Set(answer.tokens.prefix(12)).isDisjoint(with: plain))
        #expect(answer.tokens.count >= 13)
        #expect(answer.summary?.reason == .stop || answer.tokens.count == 30)
        for minimum in [31, -1] {
            request.minimumTokens = minimum
            #expect(cluster.answer(request).fault == .invalidMinimum(minimum: minimum, maximum: 30))
        }
    }
}

@Suite("A draft limit")
struct DraftLimitTests {
    @Test("bounds the nodes of each round and changes no token", arguments: [0, 1, 3, nil] as [Int?])
    func limit(_ limit: Int?) throws {
        let cluster = try MachineCluster(drafters: [MockDrafterSource(.model(agreement: 0.9))])
        var request = GenerationRequest(prompt: [1, 2], sampling: SamplingParameters(seed: 8), maximumTokens: 120)
        request.draftLimit = limit
        let id = cluster.submit(request)
        cluster.run()
        #expect(cluster.answers[id]?.tokens == MockText.plain(prompt: [1, 2], seed: 8, count: 120))
        let largest = try #require(cluster.largestTrees[id])
        if let limit { #expect(largest == limit) } else { #expect(largest > 3) }
        let summary = try #require(cluster.answers[id]?.summary)
        #expect(summary.workers.count == (limit == 0 ? 0 : 1))
        #expect(summary.speculation.draftedTokens == 0 || limit != 0)
    }
}

@Suite("A request's summary")
struct SummaryTests {
    @Test("tells how many prompt tokens were cached, and how long the request waited")
    func figures() throws {
        var configuration = VerifierConfiguration()
        configuration.slots = 1
        let cluster = try MachineCluster(
            configuration,
            target: .tiny(),
            engine: try TransformerEngineTests.engine(threads: 1)
        )
        let request = GenerationRequest(
            prompt: Array(TransformerEngineTests.text.prefix(200)),
            sampling: .greedy,
            maximumTokens: 5
        )
        let ids = [request, request].map(cluster.submit)
        let gone = cluster.submit(request)
        // The first pass begins, and ends.
        for _ in 0..<2 { cluster.advance() }
        cluster.cancel(gone)
        cluster.run()
        let summaries = ids.compactMap { cluster.answers[$0]?.summary }
        #expect(summaries.map(\.cachedTokens) == [0, 192])
        #expect(summaries.map(\.promptTokens) == [200, 200])
        #expect(summaries[0].queueMilliseconds == 0)
        #expect(summaries[1].queueMilliseconds >= summaries[0].promptMilliseconds)
        let cancelled = try #require(cluster.answers[gone]?.summary)
        #expect(cancelled.reason == .cancelled)
        #expect(cancelled.queueMilliseconds > 0)
    }
}

@Suite("A prediction")
struct PredictionTests {
    private static let text = MockText.plain(prompt: [1, 2], seed: 8, count: 120)

    private static func answer(expecting prediction: [Token], limit: Int? = nil, isDrafted: Bool = false) throws
        -> MachineCluster.Answer
    {
        let drafters = isDrafted ? [MockDrafterSource(.model(agreement: 0.5))] : []
        var request = GenerationRequest(prompt: [1, 2], sampling: SamplingParameters(seed: 8), maximumTokens: 120)
        request.prediction = prediction
        request.draftLimit = limit
        return try MachineCluster(drafters: drafters).answer(request)
    }

    @Test("that is right makes rounds few, is counted, and changes no token", arguments: [false, true])
    func right(isDrafted: Bool) throws {
        let answer = try Self.answer(expecting: Self.text, isDrafted: isDrafted)
        #expect(answer.tokens == Self.text)
        let summary = try #require(answer.summary)
        #expect(summary.rounds < 60)
        #expect(summary.predictionAccepted > 60)
        #expect(summary.predictionDrafted >= summary.predictionAccepted)
        #expect(summary.speculation.draftedTokens >= summary.predictionDrafted)
        #expect(summary.workers.count == (isDrafted ? 1 : 0))
    }

    @Test("that is wrong in places is drafted from behind them")
    func edited() throws {
        let expected = Self.text.enumerated().map { $0 % 25 == 20 ? Token(999) : $1 }
        let summary = try #require(try Self.answer(expecting: expected).summary)
        #expect(summary.predictionAccepted > 50)
    }

    @Test("that is all wrong costs few nodes, and a draft limit of 0 forbids it")
    func wrong() throws {
        let nonsense = try Self.answer(expecting: (0..<120).map { Token(512 + $0) })
        #expect(nonsense.tokens == Self.text)
        #expect(try #require(nonsense.summary).predictionAccepted == 0)
        #expect(try #require(nonsense.summary).predictionDrafted < 40)
        let plain = try Self.answer(expecting: Self.text, limit: 0)
        #expect(plain.tokens == Self.text)
        #expect(try #require(plain.summary).predictionDrafted == 0)
    }
}
