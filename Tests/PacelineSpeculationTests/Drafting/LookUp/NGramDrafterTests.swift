import Foundation
import PacelineSpeculation
import Testing

@Suite("N-gram drafter")
struct NGramDrafterTests {
    @Test("proposes what a naive search over base and path finds, in the same order", arguments: 0..<40)
    func equalsNaiveSearch(seed: UInt64) throws {
        var generator = SplitMix(seed: seed)
        let alphabet = Token.random(in: 1...4, using: &generator)
        let tokens = (0..<60).map { _ in Token.random(in: 0..<alphabet, using: &generator) }
        let orders = [(3, 1), (4, 2), (1, 1), (2, 2)][Int(seed % 4)]
        var drafter = NGramDrafter(longest: orders.0, shortest: orders.1, scanLimit: 5)
        let split = Int.random(in: 1...40, using: &generator)
        drafter.begin(base: Array(tokens[..<split]), sampling: .greedy)
        drafter.advance(TokenTree().reroot(after: Array(tokens[split...])))
        let tree = try TokenTree.random(RandomTreeShape(vocabulary: alphabet), using: &generator)
        for node in [nil] + tree.indices.map(Optional.some) {
            let found = drafter.expand(tree, at: [node], width: 3)[0].map(\.token)
            let text = tokens + tree.tokens(onPathTo: node)
            #expect(found == naive(text, longest: orders.0, shortest: orders.1, width: 3, scanLimit: 5))
        }
    }

    @Test("probabilities fall with preference, are valid, and sum to less than one")
    func beliefs() throws {
        var generator = SplitMix(seed: 20)
        for _ in 0..<50 {
            let tokens = (0..<80).map { _ in Token.random(in: 0..<5, using: &generator) }
            var drafter = NGramDrafter()
            drafter.begin(base: tokens, sampling: .greedy)
            let candidates = drafter.expand(TokenTree(), at: [nil], width: 5)[0]
            let beliefs = candidates.map(\.logProbability)
            #expect(beliefs.allSatisfy { $0.isFinite && $0 < 0 })
            #expect(beliefs == beliefs.sorted(by: >))
            #expect(beliefs.reduce(0) { $0 + exp(Double($1)) } < 1)
            #expect(Set(candidates.map(\.token)).count == candidates.count)
        }
    }

    @Test("drafts a repeated passage as one long chain")
    func repeatedPassage() throws {
        let passage = (0..<Token(20)).map { $0 * 7 + 1 }
        var draft = SequenceDraft(
            drafters: [NGramDrafter()],
            policy: GrowthPolicy(depth: 12, minimumGain: 0.001)
        )
        try draft.begin(base: passage + [999] + passage.prefix(4), sampling: .greedy)
        while try draft.step() {}
        #expect(draft.tree.descend(passage.dropFirst(4)).count == 12)
    }

    @Test("proposes nothing for a text without repetitions")
    func noMatch() {
        var drafter = NGramDrafter()
        drafter.begin(base: Array(0..<50), sampling: .greedy)
        #expect(drafter.expand(TokenTree(), at: [nil], width: 4) == [[]])
        drafter.begin(base: [7], sampling: .greedy)
        #expect(drafter.expand(TokenTree(), at: [nil], width: 4) == [[]])
    }

    @Test("forgets the previous sequence")
    func forgets() {
        var drafter = NGramDrafter()
        drafter.begin(base: [1, 2, 1, 2, 1], sampling: .greedy)
        drafter.begin(base: [1, 3, 1], sampling: .greedy)
        #expect(drafter.expand(TokenTree(), at: [nil], width: 4)[0].map(\.token) == [3])
    }

    private func naive(_ text: [Token], longest: Int, shortest: Int, width: Int, scanLimit: Int) -> [Token] {
        var found: [Token] = []
        for order in (shortest...longest).reversed() where order < text.count {
            let gram = text.suffix(order)
            let followers = (order..<text.count).reversed().filter { text[($0 - order)..<$0].elementsEqual(gram) }
            for follower in followers.prefix(scanLimit) where !found.contains(text[follower]) {
                if found.count < width { found.append(text[follower]) }
            }
        }
        return found
    }
}
