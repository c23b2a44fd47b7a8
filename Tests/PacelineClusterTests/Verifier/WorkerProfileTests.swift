import PacelineSpeculation
import PacelineWire
import Testing

@testable import PacelineCluster

@Suite("What a verifier knows of a worker")
struct WorkerProfileTests {
    @Test("outlives the worker's connection, for a bounded number of workers")
    func archive() throws {
        var archive = ProfileArchive()
        var useless = WorkerProfile()
        let tree = try TokenTree([Self.node(nil, 1)])
        for _ in 0..<100 { useless.learn(from: Self.verdict([2]), on: tree, isHeard: true, isJudged: true) }
        archive.keep(useless, of: 5)
        #expect(!archive.take(6).performance.isResting)
        #expect(archive.take(5).performance.isResting)
        #expect(!archive.take(5).performance.isResting, "it is handed out once")
        for incarnation in 0..<1000 as Range<UInt64> { archive.keep(useless, of: incarnation) }
        #expect(archive.count < 1000)
        #expect(archive.take(999).performance.isResting)
        #expect(!archive.take(0).performance.isResting)
    }

    /// What is believed of a node and its child, both claimed to be all but certain.
    private static func beliefs(_ profile: WorkerProfile) throws -> [Double] {
        profile.probabilities(
            of: try TokenTree([
                .init(parent: nil, token: 1, logProbability: -0.001),
                .init(parent: 0, token: 2, logProbability: -0.001),
            ])
        )
    }

    @Test("believes a stranger half at most, and an acquaintance what it has earned")
    func acquaintance() throws {
        var profile = WorkerProfile()
        #expect(try Self.beliefs(profile) == [0.5, 0.5])
        let tree = try TokenTree([
            .init(parent: nil, token: 1, logProbability: -0.001), .init(parent: 0, token: 2, logProbability: -0.001),
        ])
        var last = 0.5
        for _ in 0..<12 {
            profile.learn(from: Self.verdict([1, 2, 3]), on: tree, isHeard: true, isJudged: false)
            let belief = try Self.beliefs(profile)[1]
            #expect(belief >= last)
            last = belief
        }
        #expect(last > 0.99)
    }

    @Test("believes a stranger's siblings no more than a single child")
    func width() throws {
        let siblings = try TokenTree((0..<8).map { .init(parent: nil, token: $0, logProbability: -0.001) })
        let beliefs = WorkerProfile().probabilities(of: siblings)
        #expect(beliefs.allSatisfy { $0 == 1.0 / 16 })
        let modest = try TokenTree([.init(parent: nil, token: 1, logProbability: -3)])
        #expect(WorkerProfile().probabilities(of: modest)[0] < 0.06)
    }

    @Test("doubts a worker that is always wrong as much as a stranger")
    func wrong() throws {
        var profile = WorkerProfile()
        let tree = try TokenTree([Self.node(nil, 1)])
        for _ in 0..<20 { profile.learn(from: Self.verdict([2]), on: tree, isHeard: true, isJudged: true) }
        #expect(!profile.isProven)
        #expect(try Self.beliefs(profile).allSatisfy { $0 <= 0.5 })
        var right = WorkerProfile()
        right.learn(from: Self.verdict([1]), on: tree, isHeard: true, isJudged: true)
        #expect(right.isProven)
        #expect(try Self.beliefs(right) == [0.75, 0.75])
    }

    /// A verdict that emits `tokens`, about a tree that had none of them.
    private static func verdict(_ tokens: [Token]) -> Verdict {
        Verdict(path: [], accepted: Array(tokens.dropLast()), correction: tokens[tokens.count - 1])
    }

    @Test("counts a revision for each verdict that changes its beliefs")
    func revisions() throws {
        var profile = WorkerProfile()
        profile.learn(from: Self.verdict([1]), on: TokenTree(), isHeard: true, isJudged: true)
        #expect(profile.revision == 0)
        profile.learn(from: Self.verdict([1]), on: try TokenTree([Self.node(nil, 1)]), isHeard: true, isJudged: false)
        #expect(profile.revision == 1)
    }

    private static func node(_ parent: Int?, _ token: Token) -> TokenTree.Node {
        TokenTree.Node(parent: parent, token: token, logProbability: -0.5)
    }

    @Test("asks for the depth and width that have been useful, and a little more")
    func shape() throws {
        let bounds = DraftLimits(nodes: 256, depth: 32, width: 8)
        var record = TreeShapeRecord()
        #expect(record.limits(within: bounds) == bounds)
        // Two levels deep, four wide; the target takes the first or the second child, and never goes deeper than one.
        let tree = try TokenTree((0..<4).map { Self.node(nil, $0) } + (0..<4).map { Self.node(0, $0) })
        for round in 0..<200 { record.record([Token(round % 2), 99], on: tree) }
        let narrow = record.limits(within: bounds)
        #expect(narrow.width == 3 && narrow.depth == 5 && narrow.nodes == 256)
        // A longer agreement asks for deeper trees.
        let chain = try TokenTree((0..<12).map { Self.node($0 == 0 ? nil : $0 - 1, Token($0)) })
        record.record((0..<13).map { Token($0) }, on: chain)
        #expect(record.limits(within: bounds).depth == 32)
    }

    @Test("learns nothing of shape from empty trees")
    func silence() {
        var record = TreeShapeRecord()
        for _ in 0..<100 { record.record([1], on: TokenTree()) }
        #expect(record.limits(within: DraftLimits(nodes: 9, depth: 9, width: 9)).depth == 9)
    }
}
