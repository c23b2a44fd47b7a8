/// Drafts the tokens that followed earlier occurrences of the latest tokens: prompt lookup (Saxena 2023,
/// github.com/apoorvumang/prompt-lookup-decoding), extended to a tree.
///
/// For each node, the text is the base plus the path to the node. The drafter looks up its last `longest` tokens in the
/// earlier text, then one token fewer, down to `shortest`. Each occurrence proposes the token that followed it, the
/// newest occurrence first. Probabilities depend only on the length of the match: a match of `n` tokens gets n/(n+1) of
/// the probability that longer and newer matches left.
package struct NGramDrafter: Drafter {
    package let longest: Int
    package let shortest: Int
    /// How many occurrences of an n-gram to examine, so that a text of one repeated token stays cheap.
    package let scanLimit: Int
    private var base: [Token] = []
    private var indices: [NGramIndex] = []

    /// - Parameters:
    ///   - longest, shortest: lengths of matches; raised to at least 1, and `longest` to at least `shortest`.
    ///   - scanLimit: occurrences to examine per length.
    package init(longest: Int = 4, shortest: Int = 1, scanLimit: Int = 64) {
        self.shortest = max(1, shortest)
        self.longest = max(self.shortest, longest)
        self.scanLimit = max(1, scanLimit)
    }

    package var isModelFree: Bool { true }

    package mutating func begin(base: [Token], sampling: SamplingParameters) {
        self.base = []
        indices = (shortest...longest).reversed().map(NGramIndex.init(order:))
        append(base)
    }

    package func expand(_ tree: TokenTree, at nodes: [NodeIndex?], width: Int) -> [[Candidate]] {
        nodes.map { candidates(after: tree.tokens(onPathTo: $0), width: width) }
    }

    package mutating func advance(_ rerooting: Rerooting) {
        append(rerooting.committed)
    }

    private mutating func append(_ tokens: [Token]) {
        for token in tokens {
            base.append(token)
            for order in indices.indices {
                indices[order].add(base.count - 1, of: base)
            }
        }
    }
}

extension NGramDrafter {
    private func candidates(after path: [Token], width: Int) -> [Candidate] {
        var candidates: [Candidate] = []
        var left = 1.0
        for index in indices where index.order < base.count + path.count {
            let share = Double(index.order) / Double(index.order + 1)
            for token in continuations(after: path, index: index) {
                guard candidates.count < width else { return candidates }
                guard !candidates.contains(where: { $0.token == token }) else { continue }
                let belief = Float(Double.logarithm(left * share))
                candidates.append(Candidate(token: token, logProbability: belief))
                left *= 1 - share
            }
        }
        return candidates
    }

    /// The tokens that followed earlier occurrences of the last n-gram of base and path, newest first.
    private func continuations(after path: [Token], index: NGramIndex) -> [Token] {
        let recent = Array(base.suffix(index.order) + path)
        let gram = Array(recent.suffix(index.order))
        // Occurrences that end within the path are not indexed, because the path differs for every node.
        let withinPath = path.indices.reversed().filter { follower in
            let end = recent.count - path.count + follower
            return end >= index.order && recent[(end - index.order)..<end].elementsEqual(gram)
        }
        let newest = withinPath.prefix(scanLimit).map { path[$0] }
        let limit = scanLimit - newest.count
        return newest + index.positions(after: gram, in: base, limit: limit).map { base[$0] }
    }
}
