import Foundation
import PacelineSpeculation
import Testing

@Suite("Typical acceptance")
struct TypicalAcceptanceTests {
    @Test("says that it is lossy, and sample-match that it is not")
    func isLossless() {
        #expect(!TypicalAcceptance().isLossless)
        #expect(SampleMatch().isLossless)
    }

    @Test("equals a brute-force search over all nodes", arguments: 0..<40)
    func bruteForce(seed: UInt64) throws {
        var generator = SplitMix(seed: seed)
        let tree = try TokenTree.random(using: &generator)
        let probabilities = tree.map { _ in Double.random(in: 0...0.4, using: &generator) }
        let entropies = (0...tree.count).map { _ in Double.random(in: 0...2, using: &generator) }
        func answer(_ node: NodeIndex?) -> TypicalAcceptance.Answer {
            .init(
                choice: Token(node.map { $0 + 1 } ?? 0),
                entropy: entropies[node.map { $0 + 1 } ?? 0],
                childProbabilities: tree.children(of: node).map { probabilities[$0] }
            )
        }
        func isAccepted(_ node: NodeIndex) -> Bool {
            tree.path(to: node).allSatisfy { node in
                probabilities[node] > min(0.3, 0.09 * exp(-entropies[tree[node].parent.map { $0 + 1 } ?? 0]))
            }
        }
        func likelihood(_ node: NodeIndex) -> Double { tree.path(to: node).reduce(1) { $0 * probabilities[$1] } }
        let best = tree.indices.filter(isAccepted).max { lhs, rhs in
            (tree.depth(of: lhs), likelihood(lhs)) < (tree.depth(of: rhs), likelihood(rhs))
        }
        let verdict = TypicalAcceptance().verdict(on: tree, target: answer)
        #expect(verdict.path == tree.path(to: best))
        #expect(verdict.accepted == tree.tokens(onPathTo: best))
        #expect(verdict.correction == answer(best).choice)
    }

    @Test("accepts nothing of an empty tree")
    func empty() {
        let verdict = TypicalAcceptance().verdict(on: TokenTree()) { _ in
            TypicalAcceptance.Answer(choice: 7, entropy: 1, childProbabilities: [])
        }
        #expect(verdict == Verdict(path: [], accepted: [], correction: 7))
    }

    @Test("takes the first of two equally good paths")
    func ties() throws {
        let tree = try TokenTree((0..<3).map { .init(parent: nil, token: $0, logProbability: 0) })
        let verdict = TypicalAcceptance().verdict(on: tree) { node in
            TypicalAcceptance.Answer(choice: 0, entropy: 1, childProbabilities: node == nil ? [0.2, 0.2, 0.2] : [])
        }
        #expect(verdict.path == [0])
    }
}
