/// Drafts the tokens that most often followed the longest suffix seen before: suffix decoding (SuffixDecoding,
/// arXiv 2411.04975; SAM decoding, arXiv 2411.10666) over the sequence's own tokens, texts given in advance and the
/// past outputs of all sequences that share a ``TextMemory``.
///
/// For each node, the drafter looks up the longest suffix of base and path that a text contains, then shorter, more
/// frequent suffixes. Each suffix proposes the tokens that followed it, the most frequent first and the latest first
/// among equals, with the probabilities of ``EscapeMixture``.
///
/// Needs nothing but the tokens. Lossless. Worth it always: it costs next to nothing, and where a text repeats itself,
/// its prompt or earlier outputs, it drafts long passages.
package struct SuffixDrafter: Drafter {
    /// Outputs are remembered in pieces of this many tokens, so up to as many of a sequence's last ones are not. Each
    /// piece begins with the `longest` tokens before it.
    static let piece = 16

    /// The longest suffix to look up, in tokens.
    package let longest: Int
    package let shortest: Int
    private let corpus: SuffixAutomaton
    private let shared: TextMemory?
    private var automaton: SuffixAutomaton
    /// The last tokens of the base: `longest` of them and those that are not in the shared memory yet.
    private var recent: [Token] = []
    private var unshared = 0

    /// - Parameters:
    ///   - longest, shortest: lengths of suffixes; raised to at least 1, and `longest` to at least `shortest`.
    ///   - corpus: texts that count as seen before each sequence, such as earlier outputs.
    ///   - shared: past outputs, to which this drafter adds its sequence's.
    package init(longest: Int = 16, shortest: Int = 1, corpus: [[Token]] = [], shared: TextMemory? = nil) {
        self.shortest = max(1, shortest)
        self.longest = max(self.shortest, longest)
        self.shared = shared
        var automaton = SuffixAutomaton(countedLength: self.longest + 1)
        for text in corpus {
            for token in text + [TextMemory.separator] {
                automaton.append(token)
            }
        }
        self.corpus = automaton
        self.automaton = automaton
    }

    package var isModelFree: Bool { true }

    package mutating func begin(base: [Token], sampling: SamplingParameters) {
        automaton = corpus
        (recent, unshared) = ([], 0)
        append(base)
    }

    package func expand(_ tree: TokenTree, at nodes: [NodeIndex?], width: Int) -> [[Candidate]] {
        let own = automaton.shortened(automaton.suffix, to: longest)
        let others = shared?.automata ?? []
        let starts = others.map { $0.match(of: recent.suffix(longest), longest: longest) }
        return nodes.map { node in
            let path = tree.tokens(onPathTo: node)
            var places = [(automaton, automaton.match(of: path, from: own, longest: longest))]
            for (automaton, start) in zip(others, starts) {
                places.append((automaton, automaton.match(of: path, from: start, longest: longest)))
            }
            return candidates(at: places, width: width)
        }
    }

    package mutating func advance(_ rerooting: Rerooting) {
        append(rerooting.committed)
        guard let shared else { return }
        unshared += rerooting.committed.count
        guard unshared >= Self.piece else { return }
        shared.add(recent.suffix(longest + unshared))
        unshared = 0
    }

    private mutating func append(_ tokens: [Token]) {
        for token in tokens {
            automaton.append(token)
        }
        recent = (recent + tokens).suffix(longest + unshared + tokens.count)
    }
}

extension SuffixDrafter {
    /// - Parameter places: in each text, the longest suffix that it contains.
    private func candidates(
        at places: [(automaton: SuffixAutomaton, match: SuffixAutomaton.Match)],
        width: Int
    ) -> [Candidate] {
        var mixture = EscapeMixture()
        var places = places
        while mixture.candidates.count < width {
            // The longest one next; of equals that in the sequence's own text.
            let longest = places.map(\.match.length).max() ?? 0
            let isNext = { (place: (automaton: SuffixAutomaton, match: SuffixAutomaton.Match)) in
                place.match.length == longest
            }
            guard longest >= shortest, let next = places.firstIndex(where: isNext) else { break }
            let (automaton, match) = places[next]
            mixture.add(length: match.length, successors: Self.successors(in: automaton, at: match))
            places[next].match = automaton.nextShorter(match)
        }
        return mixture.best(width)
    }

    /// The tokens that followed the match; the most frequent first, then the latest.
    private static func successors(
        in automaton: SuffixAutomaton,
        at match: SuffixAutomaton.Match
    ) -> [(token: Token, count: Int)] {
        let successors = automaton.successors(of: match.state).filter { $0.token != TextMemory.separator }
        return successors.map { (token: $0.token, state: automaton.states[$0.state]) }
            .sorted { ($0.state.count, $0.state.latestEnd) > ($1.state.count, $1.state.latestEnd) }
            .map { (token: $0.token, count: Int($0.state.count)) }
    }
}

extension SuffixAutomaton {
    /// The longest suffix, of at most `longest` tokens, of a match and the tokens after it that the text contains.
    fileprivate func match(of tokens: some Sequence<Token>, from start: Match = Match(), longest: Int) -> Match {
        tokens.reduce(start) { match, token in shortened(extended(match, by: token), to: longest) }
    }
}
