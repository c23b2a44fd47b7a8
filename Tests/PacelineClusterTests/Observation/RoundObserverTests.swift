import PacelineSpeculation
import PacelineTestKit
import PacelineWire
import Testing

@testable import PacelineCluster

@Suite("Observed rounds")
struct RoundObserverTests {
    private static let request = GenerationRequest(
        prompt: Array(TransformerEngineTests.text.prefix(200)),
        sampling: .greedy,
        maximumTokens: 120
    )

    private static func cluster(draft: Int = 256) throws -> MachineCluster {
        var configuration = VerifierConfiguration()
        configuration.draft.nodes = draft
        return try MachineCluster(
            configuration,
            target: .tiny(),
            engine: try TransformerEngineTests.engine(threads: 1),
            drafters: [try TinyDrafterSource(perturbation: 0.1), try TinyDrafterSource(perturbation: 0.6)]
        )
    }

    @Test func observationChangesNoTokenAndNoPass() throws {
        let (plain, observed) = (try Self.cluster(), try Self.cluster())
        observed.observe(Observation(recordsRounds: true, trees: [RequestID(rawValue: 1)]))
        let (unseen, seen) = (plain.answer(Self.request), observed.answer(Self.request))
        #expect(unseen.tokens == seen.tokens)
        #expect(unseen.summary == seen.summary)
        #expect(plain.largestTrees == observed.largestTrees)
        #expect(plain.verifier.snapshot == observed.verifier.snapshot)
        #expect(plain.records.isEmpty)
        #expect(!observed.records.isEmpty)
    }

    @Test func theRecordsOfARequestAddUpToIt() throws {
        let cluster = try Self.cluster()
        cluster.observe(Observation(recordsRounds: true))
        let answer = cluster.answer(Self.request)
        let summary = try #require(answer.summary)
        #expect(cluster.records.map(\.number) == Array(1...cluster.records.count))
        var (tokens, verified, accepted, computed, decisions): ([Token], Int, Int, Int, Int) = ([], 0, 0, 0, 0)
        for record in cluster.records {
            #expect(record.ready <= record.began && record.began <= record.ended)
            #expect(record.tree == nil)
            switch record.work {
            case .prefill(let count, _): computed += count
            case .verify(let nodes, let taken, let gained):
                #expect(record.length == Self.request.prompt.count + tokens.count)
                tokens += gained
                (verified, accepted, decisions) = (verified + nodes, accepted + taken, decisions + 1)
            }
        }
        #expect(tokens == answer.tokens)
        #expect(decisions == summary.rounds)
        #expect(verified == summary.speculation.draftedTokens)
        #expect(accepted <= summary.speculation.acceptedTokens && accepted + decisions >= tokens.count)
        #expect(computed == Self.request.prompt.count - 1)
    }

    @Test func aTreeShowsEachNodesFate() throws {
        let cluster = try Self.cluster()
        cluster.observe(Observation(recordsRounds: true, trees: [RequestID(rawValue: 1)]))
        _ = cluster.answer(Self.request)
        let drawn = cluster.records.compactMap { record in record.tree.map { (record, $0) } }
        #expect(drawn.count > 1)
        var fates: Set<RoundTree.Fate> = []
        for (record, tree) in drawn {
            guard case .verify(let verified, let accepted, let tokens) = record.work else { continue }
            fates.formUnion(tree.nodes.map(\.fate))
            #expect(tree.nodes.count { $0.fate != .unverified } == verified)
            #expect(tree.nodes.filter { $0.fate == .accepted }.map(\.token).prefix(accepted) == tokens.prefix(accepted))
            #expect(tokens.count <= accepted || tokens.last == tree.correction)
            for (index, node) in tree.nodes.enumerated() {
                #expect(node.proposers != 0 && node.proposers >> UInt64(tree.workers.count) == 0)
                guard let parent = node.parent else { continue }
                #expect(parent < index)
                // What is not verified has nothing verified below it, and what is rejected nothing accepted.
                let above = tree.nodes[parent].fate
                #expect(above != .unverified || node.fate == .unverified)
                #expect(above != .rejected || node.fate != .accepted)
            }
        }
        #expect(fates == [.accepted, .rejected, .unverified])
    }

    @Test func treesOfOneRequestComeFiveTimesASecondAtMost() throws {
        let cluster = try Self.cluster()
        cluster.observe(Observation(recordsRounds: true, trees: [RequestID(rawValue: 1)]))
        _ = cluster.answer(Self.request)
        let times = cluster.records.filter { $0.tree != nil }.map(\.began)
        for (before, after) in zip(times, times.dropFirst()) {
            #expect(after - before >= .milliseconds(150))
        }
    }

    @Test func aPictureHasABoundAndKeepsAllThatWasVerified() throws {
        var drafts = MergedTree(limits: TreeLimits(), workers: [LinkID(rawValue: 1)])
        var wide = TokenTree()
        for token in 0..<200 { _ = try wide.append(.init(parent: nil, token: Token(token), logProbability: -5)) }
        for token in 0..<100 { _ = try wide.append(.init(parent: 199, token: Token(token), logProbability: -5)) }
        let probabilities = wide.indices.map { $0 == 299 ? 0.001 : 0.01 }
        drafts.add(MergedTree.Part(tree: wide, probabilities: probabilities, isProven: true, place: 0))
        #expect(drafts.nodesByWorker == [300])
        let verified = drafts.subtree([199, 299])
        let verdict = Verdict(path: [0], accepted: [199], correction: 7)
        let tree = RoundTree(drafts, verified: verified, verdict)
        #expect(tree.nodes.count == RoundTree.nodeLimit)
        #expect(tree.omitted == 300 - RoundTree.nodeLimit)
        #expect(tree.nodes.count { $0.fate == .accepted } == 1)
        #expect(tree.nodes.count { $0.fate == .rejected } == 1)
        #expect(tree.nodes.enumerated().allSatisfy { ($1.parent ?? -1) < $0 })
    }

    @Test func nothingIsRememberedOnceNobodyWatches() throws {
        let cluster = try Self.cluster()
        cluster.observe(Observation(recordsRounds: true))
        _ = cluster.answer(Self.request)
        let count = cluster.records.count
        cluster.observe(.none)
        _ = cluster.answer(Self.request)
        #expect(cluster.records.count == count)
    }
}
