import Foundation
import Testing

@testable import PacelineSpeculation

@Suite("Suffix automaton")
struct SuffixAutomatonTests {
    @Test("counts the occurrences of every short substring, and knows where the latest one ends", arguments: 0..<40)
    func counts(seed: UInt64) {
        var generator = SplitMix(seed: seed)
        let alphabet = Token.random(in: 1...4, using: &generator)
        let text = (0..<70).map { _ in Token.random(in: 0..<alphabet, using: &generator) }
        let limit = Int.random(in: 1...6, using: &generator)
        var automaton = SuffixAutomaton(countedLength: limit)
        for token in text { automaton.append(token) }
        for length in 1...limit {
            for start in 0...(text.count - length) {
                let substring = text[start..<(start + length)]
                let ends = (length...text.count).filter { text[($0 - length)..<$0].elementsEqual(substring) }
                let match = substring.reduce(SuffixAutomaton.Match()) { automaton.extended($0, by: $1) }
                #expect(match.length == length)
                #expect(Int(automaton.states[match.state].count) == ends.count)
                #expect(Int(automaton.states[match.state].latestEnd) == ends.last)
            }
        }
        #expect(automaton.states.count <= 2 * text.count + 1)
    }

    @Test("knows exactly the substrings of its text")
    func substrings() {
        var generator = SplitMix(seed: 80)
        let text = (0..<50).map { _ in Token.random(in: 0..<3, using: &generator) }
        var automaton = SuffixAutomaton(countedLength: 4)
        for token in text { automaton.append(token) }
        for _ in 0..<500 {
            let word = (0..<Int.random(in: 1...8, using: &generator)).map { _ in
                Token.random(in: 0..<3, using: &generator)
            }
            let longest = (0...word.count).first { start in
                start == word.count || contains(text, word[start...])
            }
            let match = word.reduce(SuffixAutomaton.Match()) { automaton.extended($0, by: $1) }
            #expect(match.length == longest.map { word.count - $0 })
        }
    }

    private func contains(_ text: [Token], _ word: ArraySlice<Token>) -> Bool {
        text.indices.contains { text[$0...].starts(with: word) }
    }
}

@Suite("Suffix drafter")
struct SuffixDrafterTests {
    @Test("proposes what naive counting finds, with the same probabilities", arguments: 0..<40)
    func equalsNaiveCounting(seed: UInt64) throws {
        var generator = SplitMix(seed: seed)
        let alphabet = Token.random(in: 1...4, using: &generator)
        let text = (0..<60).map { _ in Token.random(in: 0..<alphabet, using: &generator) }
        let (longest, shortest) = [(5, 1), (3, 2), (1, 1), (16, 1)][Int(seed % 4)]
        var drafter = SuffixDrafter(longest: longest, shortest: shortest)
        drafter.begin(base: Array(text[..<20]), sampling: .greedy)
        drafter.advance(TokenTree().reroot(after: Array(text[20...])))
        let tree = try TokenTree.random(RandomTreeShape(vocabulary: alphabet), using: &generator)
        for node in [nil] + tree.indices.map(Optional.some) {
            let context = text + tree.tokens(onPathTo: node)
            let found = drafter.expand(tree, at: [node], width: 10)[0]
            let expected = naive(text, context: context, longest: longest, shortest: shortest)
            #expect(found.map(\.token) == expected.map(\.token))
            for (one, other) in zip(found, expected) {
                #expect(abs(one.logProbability - other.logProbability) < 1e-5)
            }
        }
    }

    @Test("probabilities fall with preference and sum to less than one; tokens are distinct and no more than requested")
    func beliefs() throws {
        var generator = SplitMix(seed: 81)
        for width in 0..<6 {
            let text = (0..<200).map { _ in Token.random(in: 0..<8, using: &generator) }
            var drafter = SuffixDrafter()
            drafter.begin(base: text, sampling: .greedy)
            let candidates = drafter.expand(TokenTree(), at: [nil], width: width)[0]
            #expect(candidates.count == width)
            #expect(Set(candidates.map(\.token)).count == width)
            let beliefs = candidates.map(\.logProbability)
            #expect(beliefs == beliefs.sorted(by: >) && beliefs.allSatisfy { $0 < 0 })
            #expect(beliefs.reduce(0) { $0 + exp(Double($1)) } < 1)
        }
    }

    @Test("prefers the most frequent successor to the latest one")
    func frequency() {
        var drafter = SuffixDrafter()
        drafter.begin(base: [1, 5, 1, 5, 1, 5, 1, 6, 1], sampling: .greedy)
        #expect(drafter.expand(TokenTree(), at: [nil], width: 2)[0].map(\.token) == [5, 6])
    }

    @Test("drafts from given texts in every new sequence, but not across their ends")
    func corpus() throws {
        var drafter = SuffixDrafter(corpus: [[1, 2, 3, 4], [7, 8]])
        for _ in 0..<2 {
            drafter.begin(base: [9, 2], sampling: .greedy)
            #expect(drafter.expand(TokenTree(), at: [nil], width: 3)[0].map(\.token) == [3])
            drafter.advance(TokenTree().reroot(after: [55, 56, 55]))
            #expect(drafter.expand(TokenTree(), at: [nil], width: 3)[0].map(\.token) == [56])
        }
        drafter.begin(base: [4], sampling: .greedy)
        #expect(drafter.expand(TokenTree(), at: [nil], width: 3) == [[]])
    }

    private func naive(_ text: [Token], context: [Token], longest: Int, shortest: Int) -> [Candidate] {
        var candidates: [Candidate] = []
        var left = 1.0
        var seen = 0
        for length in (shortest...longest).reversed() where length <= context.count {
            let suffix = context.suffix(length)
            let ends = (length..<(text.count + 1)).filter { text[($0 - length)..<$0].elementsEqual(suffix) }
            // A shorter suffix at the same places adds nothing.
            guard ends.count > seen else { continue }
            seen = ends.count
            var followers: [Token: (count: Int, latest: Int)] = [:]
            for end in ends where end < text.count && !candidates.contains(where: { $0.token == text[end] }) {
                followers[text[end]] = ((followers[text[end]]?.count ?? 0) + 1, end)
            }
            let total = followers.values.reduce(0) { $0 + $1.count }
            let weight = Double(total * length + followers.count)
            for (token, follower) in followers.sorted(by: {
                ($0.value.count, $0.value.latest) > ($1.value.count, $1.value.latest)
            }) {
                let share = Double(follower.count * length) / weight
                candidates.append(Candidate(token: token, logProbability: Float(log(left * share))))
            }
            if !followers.isEmpty { left *= Double(followers.count) / weight }
        }
        return candidates.sorted { $0.logProbability > $1.logProbability }
    }
}
