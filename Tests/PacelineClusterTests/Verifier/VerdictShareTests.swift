import PacelineSpeculation
import Testing

@testable import PacelineCluster

@Suite("Shares of a verdict")
struct VerdictShareTests {
    @Test("count a node for every worker that proposed it, accepted or not")
    func shares() throws {
        let workers = [LinkID(rawValue: 4), LinkID(rawValue: 5)]
        var merged = MergedTree(limits: TreeLimits(), workers: workers)
        let chain = try TokenTree([
            .init(parent: nil, token: 1, logProbability: -1), .init(parent: 0, token: 2, logProbability: -1),
        ])
        let branch = try TokenTree([
            .init(parent: nil, token: 1, logProbability: -1), .init(parent: nil, token: 3, logProbability: -1),
        ])
        merged.add(MergedTree.Part(tree: chain, probabilities: [0.5, 0.5], isProven: true, place: 0))
        merged.add(MergedTree.Part(tree: branch, probabilities: [0.9, 0.9], isProven: false, place: 1))
        let verdict = SampleMatch().verdict(on: merged.tree) { node in node == nil ? 1 : 9 }
        let shares = merged.shares(of: verdict)
        #expect(shares.keys == workers)
        #expect(
            shares.values == [VerdictShare(verified: 2, accepted: 1), VerdictShare(verified: 2, accepted: 1)]
        )
        #expect(merged.probabilities == [0.9, 0.5, 0.9])
        #expect(merged.provenProbabilities == [0.5, 0.5, 0])
        #expect(merged.surplus(depth: 32, over: 0) == 0.5 + 0.25)
    }
}
