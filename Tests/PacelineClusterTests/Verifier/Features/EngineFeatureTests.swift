import PacelineGrammar
import PacelineModel
import PacelineSpeculation
import PacelineTestKit
import Testing

@testable import PacelineCluster

/// Features at the production engine, on a small random model.
@Suite("Features of the transformer engine")
struct EngineFeatureTests {
    private static let taps: [FeatureTap] = [.normedOutput, .input(layer: 1), .lastOutput]
    private static let sampled = SamplingParameters(temperature: 0.8, topP: 0.95, seed: 9)

    /// A request and what came of it.
    private struct Client {
        let opening: Pass.Opening
        var tokens: [Token] = []
        var scores: [TokenLogProbability] = []
        var computed = 0
        var reused = 0
        var dropped = 0
        /// By position.
        var features: [Int: [Float16]] = [:]

        init(
            _ number: UInt64,
            prompt: [Token],
            _ sampling: SamplingParameters = .greedy,
            scoring: LogProbabilityRequest? = nil
        ) {
            var opening = Pass.Opening(
                request: RequestID(rawValue: number),
                base: prompt,
                sampling: sampling,
                lengthLimit: 1_024
            )
            opening.logProbabilities = scoring
            self.init(opening)
        }

        init(_ opening: Pass.Opening) { self.opening = opening }

        var request: RequestID { opening.request }
        var prefillLeft: Int { max(0, opening.base.count - 1 - computed) }
        var text: [Token] { opening.base + tokens }

        mutating func take(_ outcome: RoundOutcome) {
            let length = text.count
            switch outcome {
            case .prefilled(let count, let reused, let scores, let block):
                self.reused += reused
                computed += count + reused
                self.scores += scores
                #expect(block.map { $0.end == computed && $0.count == count } ?? true)
                take(block)
            case .verified(let verdict, let scores, let dropped, let block):
                tokens += verdict.tokens
                self.scores += scores
                self.dropped += dropped
                let first = min(computed, length - 1)
                #expect(block.map { $0.position >= first && $0.end == text.count - 1 } ?? true)
                computed = text.count - 1
                take(block)
            case .failed(let reason), .noRoom(let reason): Issue.record("the engine failed: \(reason)")
            }
        }

        private mutating func take(_ block: FeatureBlock?) {
            guard let block else { return }
            for row in 0..<block.count {
                let numbers = block.values[row * block.rowLength..<(row + 1) * block.rowLength]
                let old = features.updateValue(Array(numbers), forKey: block.position + row)
                #expect(old == nil, "a row came twice")
            }
        }
    }

    /// What the target computes of a text that is all prompt: the rows of all tokens but the last.
    private static func plain(_ text: [Token], taps: [FeatureTap] = taps) throws -> [[Float16]] {
        let engine = try TransformerEngineTests.engine(threads: 1)
        let client = Client(1, prompt: text)
        try engine.open(client.opening)
        let round = Round(request: client.request, work: .prefill(count: text.count - 1))
        let outcome = try #require(try engine.run([round], taps: taps, progress: ComputeProgress()).first)
        guard case .prefilled(_, _, _, let block?) = outcome else {
            Issue.record("\(outcome)")
            return []
        }
        #expect(block.position == 0 && block.count == text.count - 1 && block.taps == taps)
        return (0..<block.count).map { Array(block.values[$0 * block.rowLength..<($0 + 1) * block.rowLength]) }
    }

    /// Checks a client's rows: those of a plain reading of its text, and all but those that it found in pages.
    private static func check(_ client: Client) throws {
        let right = try plain(client.text)
        #expect(client.features.allSatisfy { $0.value == right[$0.key] })
        #expect(client.features.count == right.count - client.reused)
        #expect(client.features.keys.max() == right.count - 1)
    }

    /// Carries clients through to so many tokens, some of them in each pass: prompts in chunks, and trees of what comes
    /// with wrong tokens beside it.
    ///
    /// - Returns: how many nodes were drafted.
    private static func run(
        _ clients: inout [Client],
        count: Int,
        taps: [FeatureTap],
        threads: Int = 2
    ) throws -> Int {
        let expected = try clients.map {
            let client = TransformerEngineTests.Client(1, prompt: $0.opening.base, sampling: $0.opening.sampling)
            return try TransformerEngineTests.plain(client, count: count + 6)
        }
        var random = SplitMix(seed: 5)
        let engine = try TransformerEngineTests.engine(threads: threads, capacity: 2_000)
        for client in clients { try engine.open(client.opening) }
        var (passes, nodes) = (0, 0)
        while clients.contains(where: { $0.tokens.count < count }) {
            passes += 1
            let taking = clients.indices.filter {
                3 * $0 < passes && clients[$0].tokens.count < count && .random(in: 0..<3, using: &random) > 0
            }
            let rounds = try taking.map { index in
                let client = clients[index]
                if client.prefillLeft > 0 {
                    let chunk = Int.random(in: 1...min(90, client.prefillLeft), using: &random)
                    return Round(request: client.request, work: .prefill(count: chunk))
                }
                let coming = expected[index].dropFirst(client.tokens.count)
                let tree = try TransformerEngineTests.tree(coming, &random)
                nodes += tree.count
                return Round(request: client.request, work: .verify(tree))
            }
            let outcomes = try engine.run(rounds, taps: taps, progress: ComputeProgress())
            for (index, outcome) in zip(taking, outcomes) { clients[index].take(outcome) }
        }
        for (client, tokens) in zip(clients, expected) {
            #expect(client.tokens.prefix(count) == tokens.prefix(count))
        }
        return nodes
    }

    private static func clients(scoring: LogProbabilityRequest? = nil) -> [Client] {
        [(40, 0), (150, 0), (150, 0), (1, 5), (200, 3), (230, 0)].enumerated().map { index, item in
            Client(
                UInt64(index + 1),
                prompt: Array(TransformerEngineTests.text[item.1..<(item.0 + item.1)]),
                index.isMultiple(of: 2) ? .greedy : sampled,
                scoring: index.isMultiple(of: 3) ? scoring : nil
            )
        }
    }

    @Test("are bit for bit those of a plain reading of the text, whatever else is in a pass, but not of reused tokens")
    func mixed() throws {
        for threads in [1, 3] {
            var clients = Self.clients()
            let nodes = try Self.run(&clients, count: 16, taps: Self.taps, threads: threads)
            // Some nodes were rejected, and some tokens found in pages.
            #expect(nodes > 80)
            #expect(clients.reduce(0) { $0 + $1.reused } >= 128)
            for client in clients { try Self.check(client) }
        }
    }

    @Test("change no token and no bit of a log-probability")
    func noHarm() throws {
        let scoring = LogProbabilityRequest(top: 3, includesPrompt: true)
        var (with, without) = (Self.clients(scoring: scoring), Self.clients(scoring: scoring))
        _ = try Self.run(&with, count: 12, taps: Self.taps)
        _ = try Self.run(&without, count: 12, taps: [])
        for (client, other) in zip(with, without) {
            #expect(client.tokens == other.tokens && client.scores == other.scores && client.reused == other.reused)
            #expect(!client.features.isEmpty && other.features.isEmpty)
            try Self.check(client)
        }
        #expect(with[0].scores.count >= 40 + 12 - 1)
    }

    @Test("are those of the taps of each pass, which may change from one to the next")
    func changing() throws {
        let engine = try TransformerEngineTests.engine(threads: 1)
        let client = Client(1, prompt: Array(TransformerEngineTests.text.prefix(30)))
        try engine.open(client.opening)
        var (tokens, blocks) = ([Token](), [FeatureBlock?]())
        let tapsOfPasses: [[FeatureTap]] = [[], Self.taps, [], [.input(layer: 0)], [.lastOutput], [.lastOutput]]
        for taps in tapsOfPasses {
            let round = Round(request: client.request, work: .verify(TokenTree()))
            let outcome = try #require(try engine.run([round], taps: taps, progress: ComputeProgress()).first)
            guard case .verified(let verdict, _, _, let block) = outcome else {
                Issue.record("\(outcome)")
                return
            }
            tokens += verdict.tokens
            blocks.append(block)
        }
        for (index, taps) in tapsOfPasses.enumerated() {
            guard !taps.isEmpty else {
                #expect(blocks[index] == nil)
                continue
            }
            let block = try #require(blocks[index])
            let right = try Self.plain(client.opening.base + tokens, taps: taps)
            #expect(block.position == 29 + index && block.taps == taps && block.values == right[29 + index])
        }
    }

    @Test("are of the accepted path where a grammar drops nodes of the tree")
    func constrained() throws {
        let tokenizer = try ModelFile(TinyModel.with(weights: .q4_0).file()).tokenizer
        let constraint = try Constraint(.regex("(the|there| way){3,5}[a-f]{30,60}"), tokenizer: tokenizer)
        var opening = Pass.Opening(
            request: RequestID(rawValue: 1),
            base: [5, 9, 40, 7],
            sampling: SamplingParameters(temperature: 1, seed: 3),
            lengthLimit: 512
        )
        (opening.constraint, opening.promptLength) = (constraint, 4)
        func run(_ count: Int, trees: ([Token]) throws -> TokenTree) throws -> Client {
            let engine = try TransformerEngineTests.engine(threads: 1)
            var client = Client(opening)
            try engine.open(opening)
            while client.tokens.count < count {
                let round = Round(request: client.request, work: .verify(try trees(client.tokens)))
                let outcomes = try engine.run([round], taps: Self.taps, progress: ComputeProgress())
                client.take(try #require(outcomes.first))
            }
            return client
        }
        let plain = try run(12) { _ in TokenTree() }
        try Self.check(plain)
        let drafted = try run(9) { tokens in
            let cursor = ConstraintCursor(constraint)
            for token in tokens { _ = cursor.advance(by: token) }
            let illegal = (0..<Token(tokenizer.tokenCount)).filter { !cursor.allows($0) }.prefix(7)
            let legal = (0..<Token(tokenizer.tokenCount)).filter(cursor.allows).prefix(3)
            var tree = TokenTree()
            for token in illegal + legal {
                _ = try tree.insert(.init(parent: nil, token: token, logProbability: -1))
            }
            var parent: NodeIndex?
            for token in plain.tokens.dropFirst(tokens.count).prefix(3) {
                parent = try tree.insert(.init(parent: parent, token: token, logProbability: -1)).index
            }
            return tree
        }
        #expect(drafted.tokens.starts(with: plain.tokens.prefix(9)) && drafted.dropped >= 14)
        try Self.check(drafted)
    }
}
