/// A corpus in tokens, with its places in the order of the text that begins there: a suffix array (Manber and Myers
/// 1993, doi.org/10.1137/0222058), sorted by the first ``depth`` tokens.
package struct Datastore: Sendable, Equatable {
    /// What the token ids mean: the values that the handshake compares.
    package struct Vocabulary: Sendable, Equatable {
        /// SHA-256, 32 bytes each.
        package var tokenizerHash: [UInt8]
        package var tokensHash: [UInt8]
        /// Rows of the model's vocabulary, padding included.
        package var size: Int
        /// Tokens without padding.
        package var count: Int
        /// Of the model whose tokenizer made the tokens.
        package var model: String

        package init(tokenizerHash: [UInt8], tokensHash: [UInt8], size: Int, count: Int, model: String) {
            (self.tokenizerHash, self.tokensHash) = (tokenizerHash, tokensHash)
            (self.size, self.count, self.model) = (size, count, model)
        }
    }

    /// Tokens by which places are sorted; longer contexts are not found.
    package static let depth = 32
    /// Ends each text; not a token of any vocabulary.
    package static let separator = Token.max
    /// Occurrences to look at for one context, spread evenly.
    private static let sample = 64

    package let vocabulary: Vocabulary
    package let tokens: [Token]
    /// Each place once. A damaged file may hold others; lookups then find less, and nothing else happens.
    let order: [UInt32]

    /// Sorts the places of a corpus.
    ///
    /// - Parameter texts: at most 2^32 tokens together, separators included.
    package init(_ texts: [[Token]], vocabulary: Vocabulary) {
        let tokens = texts.flatMap { $0 + [Self.separator] }
        let order = tokens.withUnsafeBufferPointer { tokens in
            tokens.indices.map { UInt32($0) }.sorted { lhs, rhs in
                let (left, right) = (Int(lhs), Int(rhs))
                for offset in 0..<Self.depth {
                    let first = left + offset < tokens.count ? tokens[left + offset] : Self.separator
                    let second = right + offset < tokens.count ? tokens[right + offset] : Self.separator
                    if first != second { return first < second }
                }
                return left < right
            }
        }
        self.init(tokens: tokens, order: order, vocabulary: vocabulary)
    }

    init(tokens: [Token], order: [UInt32], vocabulary: Vocabulary) {
        (self.tokens, self.order, self.vocabulary) = (tokens, order, vocabulary)
    }

    /// The number of texts.
    package var textCount: Int { tokens.count { $0 == Self.separator } }

    /// What followed a context, the most frequent first, going by a sample of its occurrences.
    ///
    /// - Parameter context: at most ``depth`` tokens.
    package func successors(of context: [Token]) -> [(token: Token, count: Int)] {
        let first = place { compare($0, to: context) >= 0 }
        let last = place { compare($0, to: context) > 0 }
        guard first < last, context.count < Self.depth else { return [] }
        var counts: [(token: Token, count: Int)] = []
        let step = Swift.max(1, (last - first) / Self.sample)
        for index in stride(from: first, to: last, by: step) {
            let follower = Int(order[index]) + context.count
            guard follower < tokens.count, tokens[follower] != Self.separator else { continue }
            if let known = counts.firstIndex(where: { $0.token == tokens[follower] }) {
                counts[known].count += 1
            } else {
                counts.append((tokens[follower], 1))
            }
        }
        return counts.sorted { $0.count > $1.count }
    }

    /// -1 if the text at the place `order[index]` comes before `context`, 0 if it begins with it, else 1.
    private func compare(_ index: Int, to context: [Token]) -> Int {
        let start = Int(order[index])
        for (offset, token) in context.enumerated() {
            let found = start + offset < tokens.count ? tokens[start + offset] : Self.separator
            if found != token { return found < token ? -1 : 1 }
        }
        return 0
    }

    /// The first index of ``order`` from which `isBehind` holds.
    private func place(_ isBehind: (Int) -> Bool) -> Int {
        var (low, high) = (0, order.count)
        while low < high {
            let middle = (low + high) / 2
            if isBehind(middle) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
