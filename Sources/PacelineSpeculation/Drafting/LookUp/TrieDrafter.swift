/// Passages that a worker's sequences have produced, shared by their drafters, which run on one thread.
package final class PassageMemory {
    var trie: TokenTrie

    /// - Parameter memory: the most bytes to take, about.
    package init(memory: Int) {
        trie = TokenTrie(memory: memory)
    }

    /// How many nodes the passages take.
    package var count: Int { trie.count }
}

/// Drafts from a trie of earlier passages, in several branches: Lookahead of Alipay (Zhao et al. 2023,
/// arXiv 2312.12728).
///
/// Every `length` tokens in a row of an output go into a trie that all sequences of a worker share; those of the prompt
/// go into one of the sequence's own. For each node of the tree, the drafter looks up the last `longest` tokens, then
/// fewer, down to one, and proposes what followed.
///
/// Needs nothing but past outputs, in the target's tokens. Lossless: proposals are verified like any others. Worth it
/// where outputs resemble one another, as in templates and repeated questions; `suffix` finds longer contexts, this one
/// costs less for each token.
package struct TrieDrafter: Drafter {
    /// Prompt tokens that are looked up, the last ones.
    private static let promptLimit = 8192
    /// Bytes for the passages of a prompt.
    private static let promptMemory = 8 << 20

    package let longest: Int
    package let length: Int
    private let shared: PassageMemory
    private var own = TokenTrie(memory: 0)
    /// The last tokens of the base.
    private var recent: [Token] = []

    /// - Parameters:
    ///   - longest: the longest context to look up; at least 1.
    ///   - length: of a passage, context included; raised to `longest` + 1.
    package init(longest: Int = 4, length: Int = 12, shared: PassageMemory) {
        self.longest = Swift.max(1, longest)
        self.length = Swift.max(self.longest + 1, length)
        self.shared = shared
    }

    package var isModelFree: Bool { true }

    package mutating func begin(base: [Token], sampling: SamplingParameters) {
        own = TokenTrie(memory: Self.promptMemory)
        recent = []
        for token in base.suffix(Self.promptLimit) {
            if let passage = follow(token) { own.add(passage) }
        }
    }

    package func expand(_ tree: TokenTree, at nodes: [NodeIndex?], width: Int) -> [[Candidate]] {
        nodes.map { node in
            let context = (recent.suffix(longest) + tree.tokens(onPathTo: node)).suffix(longest)
            var mixture = EscapeMixture()
            for length in (1...longest).reversed() where length <= context.count {
                let passage = context.suffix(length)
                mixture.add(length: length, successors: own.successors(of: passage))
                mixture.add(length: length, successors: shared.trie.successors(of: passage))
            }
            return mixture.best(width)
        }
    }

    package mutating func advance(_ rerooting: Rerooting) {
        // The later pieces of a long prompt come this way too, and then count as output.
        for token in rerooting.committed {
            if let passage = follow(token) { shared.trie.add(passage) }
        }
    }

    /// The text goes on with `token`.
    ///
    /// - Returns: the passage that ends there; nil while the text is too short.
    private mutating func follow(_ token: Token) -> [Token]? {
        recent.append(token)
        if recent.count > 4 * length { recent.removeFirst(recent.count - length) }
        return recent.count >= length ? recent.suffix(length) : nil
    }
}
