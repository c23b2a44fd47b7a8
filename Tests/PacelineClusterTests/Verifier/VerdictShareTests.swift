import PacelineSpeculation
import Testing

@testable import PacelineCluster

@Suite("Shares of a verdict")
struct VerdictShareTests {
    @Test("count a node for every worker that proposed it, accepted or not")
    func shares() throws {
        var merged = MergedTree(limits: TreeLimits())
        let chain = try TokenTree([
            .init(parent: nil, token: 1, logProbability: -1), .init(parent: 0, token: 2, logProbability: -1),
        ])
        let branch = try TokenTree([
            .init(parent: nil, token: 1, logProbability: -1), .init(parent: nil, token: 3, logProbability: -1),
        ])
        merged.add(chain, bit: 1, probabilities: [0.5, 0.5])
        merged.add(branch, bit: 2, probabilities: [0.9, 0.9])
        let entry = InFlightPass.Entry(
            request: RequestID(rawValue: 1),
            tree: merged,
            workers: [LinkID(rawValue: 4), LinkID(rawValue: 5)],
            rows: 4
        )
        let verdict = SampleMatch().verdict(on: merged.tree) { node in node == nil ? 1 : 9 }
        #expect(
            entry.shares(of: verdict) == [
                VerdictShare(verified: 2, accepted: 1), VerdictShare(verified: 2, accepted: 1),
            ]
        )
        #expect(merged.probabilities == [0.9, 0.5, 0.9])
        #expect(merged.surplus(depth: 32, over: 0) == 0.9 + 0.45 + 0.9)
    }
}
