/// Drafts the tokens that most often followed the longest suffix seen before: suffix decoding (SuffixDecoding,
/// arXiv 2411.04975; SAM decoding, arXiv 2411.10666) over the sequence's own tokens and texts given in advance.
///
/// For each node, the drafter looks up the longest suffix of base and path that the text contains, then shorter, more
/// frequent suffixes. Each suffix proposes the tokens that followed it, the most frequent first and the latest first
/// among equals. Take a suffix of `g` tokens that was followed `t` times by `d` distinct new tokens. It gets g·t / (g·t
/// + d) of the probability that longer suffixes left, divided by frequency. This is the escape rule of PPM's method C
/// (Moffat 1990), with more trust in longer matches.
package struct SuffixDrafter: Drafter {
    /// Separates texts; not a token of any vocabulary.
    private static let separator = Token.max

    /// The longest suffix to look up, in tokens.
    package let longest: Int
    package let shortest: Int
    private let corpus: SuffixAutomaton
    private var automaton: SuffixAutomaton

    /// - Parameters:
    ///   - longest, shortest: lengths of suffixes; raised to at least 1, and `longest` to at least `shortest`.
    ///   - corpus: texts that count as seen before each sequence, such as earlier outputs.
    package init(longest: Int = 16, shortest: Int = 1, corpus: [[Token]] = []) {
        self.shortest = max(1, shortest)
        self.longest = max(self.shortest, longest)
        var automaton = SuffixAutomaton(countedLength: self.longest + 1)
        for text in corpus {
            for token in text + [Self.separator] {
                automaton.append(token)
            }
        }
        self.corpus = automaton
        self.automaton = automaton
    }

    package var isModelFree: Bool { true }

    package mutating func begin(base: [Token], sampling: SamplingParameters) {
        automaton = corpus
        append(base)
    }

    package func expand(_ tree: TokenTree, at nodes: [NodeIndex?], width: Int) -> [[Candidate]] {
        nodes.map { node in
            let start = automaton.shortened(automaton.suffix, to: longest)
            let match = tree.tokens(onPathTo: node).reduce(start) { match, token in
                automaton.shortened(automaton.extended(match, by: token), to: longest)
            }
            return candidates(at: match, width: width)
        }
    }

    package mutating func advance(_ rerooting: Rerooting) {
        append(rerooting.committed)
    }

    private mutating func append(_ tokens: [Token]) {
        for token in tokens {
            automaton.append(token)
        }
    }
}

extension SuffixDrafter {
    private func candidates(at match: SuffixAutomaton.Match, width: Int) -> [Candidate] {
        var candidates: [Candidate] = []
        var left = 1.0
        var match = match
        while match.length >= shortest, candidates.count < width {
            let new = newSuccessors(at: match, beyond: candidates)
            if !new.isEmpty {
                let occurrences = new.reduce(0.0) { $0 + Double($1.state.count) }
                let weight = occurrences * Double(match.length) + Double(new.count)
                for successor in new {
                    let share = Double(successor.state.count) * Double(match.length) / weight
                    let belief = Float(Double.logarithm(left * share))
                    candidates.append(Candidate(token: successor.token, logProbability: belief))
                }
                left *= Double(new.count) / weight
            }
            match = automaton.nextShorter(match)
        }
        // Stable: equally probable tokens keep the order of longer suffixes and later occurrences.
        candidates.sort { $0.logProbability > $1.logProbability }
        return Array(candidates.prefix(width))
    }

    /// The tokens that followed the match, without those already proposed; the most frequent first, then the latest.
    private func newSuccessors(
        at match: SuffixAutomaton.Match,
        beyond candidates: [Candidate]
    ) -> [(token: Token, state: SuffixAutomaton.State)] {
        let known = Set(candidates.map(\.token))
        let new = automaton.successors(of: match.state).filter { successor in
            successor.token != Self.separator && !known.contains(successor.token)
        }
        return new.map { ($0.token, automaton.states[$0.state]) }.sorted { lhs, rhs in
            (lhs.state.count, lhs.state.latestEnd) > (rhs.state.count, rhs.state.latestEnd)
        }
    }
}
