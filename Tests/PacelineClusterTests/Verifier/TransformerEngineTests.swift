import PacelineModel
import PacelineSpeculation
import PacelineTensor
import PacelineTestKit
import Testing

@testable import PacelineCluster

/// Requests at the production engine, on a small random model.
@Suite("The transformer engine")
struct TransformerEngineTests {
    /// One request as a verifier would carry it through.
    struct Client {
        let request: RequestID
        let prompt: [Token]
        var sampling: SamplingParameters
        var computed = 0
        var reused = 0
        var tokens: [Token] = []

        var prefillLeft: Int { max(0, prompt.count - 1 - computed) }

        init(_ number: UInt64, prompt: [Token], sampling: SamplingParameters = .greedy) {
            request = RequestID(rawValue: number)
            self.prompt = prompt
            self.sampling = sampling
        }

        var opening: Pass.Opening {
            Pass.Opening(request: request, base: prompt, sampling: sampling, lengthLimit: 1_024)
        }

        mutating func take(_ outcome: RoundOutcome) {
            switch outcome {
            case .prefilled(let count, let reused, _, _):
                computed += count + reused
                self.reused += reused
            case .verified(let verdict, _, _, _): tokens += verdict.tokens
            case .failed(let reason), .noRoom(let reason): Issue.record("the engine failed: \(reason)")
            }
        }
    }

    static let text: [Token] = (0..<400).map { Token(($0 * 37 + 11) % 251) }

    static func engine(
        threads: Int = 2,
        capacity: Int = 4_096,
        cacheType: KVType = .f16
    ) throws -> TransformerEngine {
        TransformerEngine(
            transformer: try TinyModel.with(weights: .q4_0).transformer(threads: threads, cacheType: cacheType),
            cacheCapacity: capacity,
            sequences: 8
        )
    }

    /// What a client gets alone, without drafts: `count` tokens.
    static func plain(_ client: Client, count: Int, cacheType: KVType = .f16) throws -> [Token] {
        let engine = try engine(threads: 1, cacheType: cacheType)
        var client = client
        try engine.open(client.opening)
        while client.tokens.count < count {
            let round = Round(request: client.request, work: .verify(TokenTree()))
            client.take(try engine.run([round], progress: ComputeProgress())[0])
        }
        return client.tokens
    }

    /// A tree of the tokens that will come, with wrong ones beside them.
    static func tree(_ coming: ArraySlice<Token>, _ random: inout SplitMix) throws -> TokenTree {
        var tree = TokenTree()
        var parent: NodeIndex?
        for token in coming.prefix(.random(in: 0...5, using: &random)) {
            let decoy = Token.random(in: 0..<250, using: &random)
            for candidate in Set([decoy, token]).sorted() {
                let node = TokenTree.Node(parent: parent, token: candidate, logProbability: -1)
                let index = try tree.insert(node).index
                if candidate == token { parent = index }
            }
        }
        return tree
    }

    @Test("A prompt that begins like another one is not computed again, and its tokens are the same")
    func reuse() throws {
        let engine = try Self.engine()
        for (number, length) in [300, 300, 200, 129, 64, 65].enumerated() {
            var client = Client(UInt64(number + 1), prompt: Array(Self.text.prefix(length)))
            let expected = try Self.plain(client, count: 8)
            try engine.open(client.opening)
            while client.prefillLeft > 0 {
                let round = Round(request: client.request, work: .prefill(count: min(100, client.prefillLeft)))
                client.take(try engine.run([round], progress: ComputeProgress())[0])
            }
            #expect(client.computed == length - 1)
            #expect(client.reused == (number == 0 ? 0 : (length - 1) / 64 * 64))
            while client.tokens.count < 8 {
                let round = Round(request: client.request, work: .verify(TokenTree()))
                client.take(try engine.run([round], progress: ComputeProgress())[0])
            }
            #expect(client.tokens == expected)
            // Every second one stays open.
            if number.isMultiple(of: 2) { engine.close(client.request) }
        }
    }

    @Test("A second turn takes over the pages of the first one's answer")
    func secondTurn() throws {
        let engine = try Self.engine()
        var first = Client(1, prompt: Array(Self.text.prefix(60)))
        try engine.open(first.opening)
        while first.tokens.count < 80 {
            let round = Round(request: first.request, work: .verify(TokenTree()))
            first.take(try engine.run([round], progress: ComputeProgress())[0])
        }
        engine.close(first.request)
        var second = Client(2, prompt: first.prompt + first.tokens.prefix(80) + [3, 5, 8])
        let expected = try Self.plain(second, count: 5)
        try engine.open(second.opening)
        let round = Round(request: second.request, work: .prefill(count: 100))
        second.take(try engine.run([round], progress: ComputeProgress())[0])
        #expect(second.reused == 128)
        while second.tokens.count < 5 {
            let round = Round(request: second.request, work: .verify(TokenTree()))
            second.take(try engine.run([round], progress: ComputeProgress())[0])
        }
        #expect(second.tokens == expected)
    }

    @Test(
        "Prompt chunks, decode tokens and trees of many sequences, mixed at random, change no token",
        arguments: 1...4,
        KVType.allCases
    )
    func mixedBatches(threads: Int, cacheType: KVType) throws {
        var random = SplitMix(seed: UInt64(threads))
        var sampled = SamplingParameters(seed: 9)
        sampled.temperature = 0.8
        sampled.topP = 0.95
        var clients = [(40, 0), (150, 0), (150, 0), (1, 5), (200, 3), (70, 0), (230, 0), (150, 0)].enumerated().map {
            index,
            item in
            Client(
                UInt64(index + 1),
                prompt: Array(Self.text[item.1..<(item.0 + item.1)]),
                sampling: index.isMultiple(of: 2) ? .greedy : sampled
            )
        }
        let expected = try clients.map { try Self.plain($0, count: 30, cacheType: cacheType) }
        let engine = try Self.engine(threads: threads, capacity: 2_000, cacheType: cacheType)
        for client in clients { try engine.open(client.opening) }
        var passes = 0
        while clients.contains(where: { $0.tokens.count < 24 }) {
            passes += 1
            // They come one after the other, so that some find what others have left.
            let taking = clients.indices.filter { 3 * $0 < passes && .random(in: 0..<3, using: &random) > 0 }
            let rounds = try taking.map { index in
                let client = clients[index]
                if client.prefillLeft > 0 {
                    let count = Int.random(in: 1...min(90, client.prefillLeft), using: &random)
                    return Round(request: client.request, work: .prefill(count: count))
                }
                let coming = expected[index].dropFirst(client.tokens.count)
                return Round(request: client.request, work: .verify(try Self.tree(coming, &random)))
            }
            let outcomes = try engine.run(rounds, progress: ComputeProgress())
            for (index, outcome) in zip(taking, outcomes) where clients[index].tokens.count < 24 {
                clients[index].take(outcome)
            }
        }
        for (client, tokens) in zip(clients, expected) {
            #expect(client.tokens.prefix(24) == tokens.prefix(24))
        }
        #expect(clients.reduce(0) { $0 + $1.reused } >= 128)
    }
}
