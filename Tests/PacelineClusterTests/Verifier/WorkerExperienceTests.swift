import PacelineSpeculation
import PacelineWire
import Testing

@testable import PacelineCluster

@Suite("What a verifier knows of a worker")
struct WorkerExperienceTests {
    @Test("outlives the worker's connection, but not for everybody for ever")
    func archive() {
        var archive = ExperienceArchive()
        var useless = WorkerExperience()
        for _ in 0..<100 { useless.usefulness.record(agreed: 0, nodes: 9, isHeard: true) }
        archive.keep(useless, of: 5)
        #expect(!archive.take(6).usefulness.isResting)
        #expect(archive.take(5).usefulness.isResting)
        #expect(!archive.take(5).usefulness.isResting, "it is handed out once")
        for incarnation in 0..<1000 as Range<UInt64> { archive.keep(useless, of: incarnation) }
        #expect(archive.count < 1000)
        #expect(archive.take(999).usefulness.isResting)
        #expect(!archive.take(0).usefulness.isResting)
    }

    @Test("believes a stranger half at most, and an acquaintance what it has earned")
    func acquaintance() throws {
        var experience = WorkerExperience()
        #expect(experience.probability(logProbability: -0.001, depth: 1) == 0.5)
        #expect(experience.probability(logProbability: -0.001, depth: 2) == 0.5)
        #expect(experience.probability(logProbability: -3, depth: 2) < 0.06)
        let tree = try TokenTree([Self.node(nil, 1)])
        var last = 0.5
        for _ in 0..<12 {
            experience.shape.record([1], on: tree)
            experience.calibration.record(logProbability: -0.001, depth: 2, isAccepted: true)
            let belief = experience.probability(logProbability: -0.001, depth: 2)
            #expect(belief >= last)
            last = belief
        }
        #expect(last > 0.99)
    }

    private static func node(_ parent: Int?, _ token: Token) -> TokenTree.Node {
        TokenTree.Node(parent: parent, token: token, logProbability: -0.5)
    }

    @Test("asks for the depth and width that have been of use, and a little more")
    func shape() throws {
        let bounds = DraftLimits(nodes: 256, depth: 32, width: 8)
        var record = TreeShapeRecord()
        #expect(record.limits(within: bounds) == bounds)
        // Two levels deep, four wide; the target takes the first or the second child, and never goes deeper than one.
        let tree = try TokenTree((0..<4).map { Self.node(nil, $0) } + (0..<4).map { Self.node(0, $0) })
        for round in 0..<200 { record.record([Token(round % 2), 99], on: tree) }
        let narrow = record.limits(within: bounds)
        #expect(narrow.width == 3 && narrow.depth == 5 && narrow.nodes == 256)
        // It turns out that longer trees would do.
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
