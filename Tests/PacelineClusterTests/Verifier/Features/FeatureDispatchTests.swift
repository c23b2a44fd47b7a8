import PacelineSimulation
import PacelineSpeculation
import PacelineWire
import Testing

@testable import PacelineCluster

@Suite("What a verifier tells its workers of the target's features")
struct FeatureDispatchTests {
    private static let prompt = (0..<40).map { Token($0 % 7) }
    private static let seed: UInt64 = 9
    private static let answer = MockText.plain(prompt: prompt, seed: seed, count: 100)
    private static let demand = FeatureDemand(taps: [.lastOutput, .input(layer: 2)])

    /// What a worker has heard of one request. The features in it must be those of the text, in order.
    private struct Story {
        /// Of the base that the worker was told.
        private(set) var length = 0
        /// Positions of features, joined where they follow one another.
        private(set) var told: [Range<Int>] = []
        /// For each verdict: the tokens that it brought, and the features that came since the last one.
        private(set) var rounds: [(tokens: Int, rows: Int)] = []

        init(_ messages: [Message], _ demand: FeatureDemand) {
            let text = prompt + answer
            var rows = 0
            for message in messages {
                switch message {
                case .open(let open): length = open.baseLength
                case .features(let features):
                    let positions = features.block.position..<features.block.end
                    #expect(features.block == MockFeatures.block(of: text, at: positions, taps: demand.taps))
                    #expect(features.format == demand.format)
                    #expect(positions.lowerBound >= told.last?.upperBound ?? 0)
                    rows += positions.count
                    if let last = told.last, last.upperBound == positions.lowerBound {
                        told[told.count - 1] = last.lowerBound..<positions.upperBound
                    } else {
                        told.append(positions)
                    }
                case .verdict(let verdict):
                    length = verdict.baseLength
                    // All of the base but its last token.
                    #expect(told.last?.upperBound ?? length - 1 == length - 1)
                    rounds.append((verdict.tokens.count, rows))
                    rows = 0
                default: break
                }
            }
        }
    }

    /// A tree with the text that comes after the prompt, and a wrong token before each of its own.
    private static func tree(_ tokens: some Sequence<Token>, of request: RequestID) -> Message {
        var nodes: [TokenTree.Node] = []
        for token in tokens {
            let parent = nodes.isEmpty ? nil : nodes.count - 1
            for candidate in [(token + 1) % 64, token] {
                nodes.append(TokenTree.Node(parent: parent, token: candidate, logProbability: -0.5))
            }
        }
        let tree = Message.Tree(
            request: request.rawValue,
            epoch: 0,
            baseLength: prompt.count,
            baseHash: BaseHash(prompt),
            firstNode: 0,
            nodes: nodes,
            isFinal: true
        )
        return .tree(tree)
    }

    private static func workers(_ adjust: (inout VerifierConfiguration) -> Void = { _ in }) throws -> ScriptedWorkers {
        try ScriptedWorkers {
            $0.restsDrafting = false
            adjust(&$0)
        }
    }

    @Test("is a row for each token of a verdict, just before the verdict, and of no rejected node")
    func rounds() throws {
        let workers = try Self.workers()
        let id = try workers.connect(incarnation: 5, features: Self.demand)
        let request = workers.submit(Self.prompt, seed: Self.seed, count: 20)
        try workers.send(Self.tree(Self.answer.prefix(5), of: request), from: id)
        while workers.tokens[request, default: []].count < 20 { try workers.step() }
        #expect(workers.tokens[request] == Array(Self.answer.prefix(20)))
        let story = Story(workers.hear(id), Self.demand)
        // The round that ends the request brings the worker nothing.
        #expect(story.told == [0..<story.length - 1])
        #expect(story.rounds.contains { $0.tokens >= 3 })
        let prefilled = Self.prompt.count - 1
        #expect(story.rounds.first.map { $0.rows == prefilled + $0.tokens } == true)
        for round in story.rounds.dropFirst() { #expect(round.rows == round.tokens) }
    }

    @Test("comes with each part of the prompt that is computed")
    func prefills() throws {
        let workers = try Self.workers { $0.prefillRows = 8 }
        let id = try workers.connect(incarnation: 5, features: Self.demand)
        _ = workers.submit(Self.prompt, seed: Self.seed, count: 20)
        var ends: [Int?] = []
        for _ in 0..<4 {
            try workers.step()
            ends.append(Story(workers.hear(id), Self.demand).told.last?.upperBound)
        }
        #expect(ends == [8, 16, 24, 32])
    }

    @Test("is what each of them asks for, in its order and format, and nothing for who does not or cannot ask")
    func demands() throws {
        let workers = try Self.workers()
        let demands: [FeatureDemand] = [
            Self.demand, FeatureDemand(taps: [.input(layer: 2), .normedOutput, .lastOutput], format: .eightBit),
            FeatureDemand(taps: [.input(layer: 0)], format: .eightBit), FeatureDemand(taps: [.normedOutput]),
        ]
        let readers = try demands.enumerated().map { index, demand in
            try workers.connect(incarnation: UInt64(index + 1), features: demand)
        }
        let others = [
            try workers.connect(incarnation: 10),
            try workers.connect(incarnation: 11, versions: 1...1, features: Self.demand),
            try workers.connect(incarnation: 12, features: FeatureDemand(taps: [.input(layer: MockFeatures.layers)])),
        ]
        let request = workers.submit(Self.prompt, seed: Self.seed, count: 50)
        try workers.send(Self.tree(Self.answer.prefix(5), of: request), from: readers[1])
        for _ in 0..<12 { try workers.step() }
        for (id, demand) in zip(readers, demands) {
            let story = Story(workers.hear(id), demand)
            #expect(story.told == [0..<story.length - 1] && story.rounds.count >= 10)
        }
        for id in others {
            let kinds = workers.hear(id).map(\.type)
            #expect(kinds.contains(.verdict) && !kinds.contains(.features))
        }
        #expect(workers.faults.isEmpty)
    }

    @Test("begins for a worker that comes late with what others have been told, if it reads no more than they")
    func late() throws {
        let workers = try Self.workers()
        let first = try workers.connect(incarnation: 1, features: Self.demand)
        _ = workers.submit(Self.prompt, seed: Self.seed, count: 60)
        for _ in 0..<10 { try workers.step() }
        let equal = FeatureDemand(taps: Self.demand.taps.reversed(), format: .eightBit)
        let second = try workers.connect(incarnation: 2, features: equal)
        for _ in 0..<3 { try workers.step() }
        let other = FeatureDemand(taps: [.normedOutput])
        let third = try workers.connect(incarnation: 3, features: other)
        for _ in 0..<4 { try workers.step() }
        workers.disconnect(third)
        for _ in 0..<4 { try workers.step() }
        let stories = [Story(workers.hear(first), Self.demand), Story(workers.hear(second), equal)]
        for story in stories { #expect(story.told == [0..<story.length - 1]) }
        #expect(stories[1].rounds.first.map { $0.rows > 40 } == true)
        let short = Story(workers.hear(third), other)
        #expect(short.told.count == 1 && short.told.allSatisfy { $0.lowerBound > 45 && $0.count >= 2 })
    }

    @Test("is of each request's own text, and ends with the request at the worker")
    func requests() throws {
        let workers = try Self.workers()
        let id = try workers.connect(incarnation: 1, features: Self.demand)
        let prompts = (0..<3).map { index in Self.prompt.map { ($0 + Token(index)) % 64 } }
        let requests = prompts.enumerated().map { index, prompt in
            workers.submit(prompt, seed: UInt64(index), count: 8 + 4 * index)
        }
        for _ in 0..<30 { try workers.step() }
        var ended: Set<UInt64> = []
        var rows: [UInt64: Int] = [:]
        for message in workers.hear(id) {
            switch message {
            case .close(let close): ended.insert(close.request)
            case .features(let features):
                #expect(!ended.contains(features.request))
                let index = try #require(requests.firstIndex { $0.rawValue == features.request })
                let answer = MockText.plain(prompt: prompts[index], seed: UInt64(index), count: 20)
                let positions = features.block.position..<features.block.end
                let right = MockFeatures.block(of: prompts[index] + answer, at: positions, taps: Self.demand.taps)
                #expect(features.block == right)
                rows[features.request, default: 0] += positions.count
            default: break
            }
        }
        #expect(ended.count == 3 && rows.values.allSatisfy { $0 > 40 } && rows.count == 3)
    }
}
