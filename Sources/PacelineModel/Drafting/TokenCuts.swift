import PacelineSpeculation

/// How the target cuts its texts into tokens, learned from the text itself.
///
/// A constraint leads a model off the ways that it knows, and then it does not always write the tokens that the text
/// would be encoded in: `"chance"` may become `"c`, `ha`, `nc`, `e`. Where the same text comes again, so do its tokens.
struct TokenCuts: Sendable {
    /// How often a token came behind a context.
    private struct Count {
        let token: Token
        var times: Int32
        /// Where the context's next one is, or -1.
        let next: Int32
    }

    /// Contexts and tokens that are remembered at most.
    private static let limit = 1 << 15
    /// What the tokens of an encoding count for beside one that came before.
    private static let prior = 0.5
    /// How much of what is known a new text replaces.
    private static let memory = 0.05

    /// By the eight bytes before.
    private var heads: [UInt64: Int32] = [:]
    private var counts: [Count] = []
    /// How often the target wrote the token of an encoding where nothing was remembered.
    private var share = 1.0

    mutating func record(_ token: Token, behind context: TextHabits.Context) {
        let head = heads[context.recent] ?? -1
        var place = head
        while place >= 0 {
            guard counts[Int(place)].token != token else {
                counts[Int(place)].times = min(counts[Int(place)].times, .max - 1) + 1
                return
            }
            place = counts[Int(place)].next
        }
        guard counts.count < Self.limit else { return }
        heads[context.recent] = Int32(counts.count)
        counts.append(Count(token: token, times: 1, next: head))
    }

    /// Notes whether the target wrote the first token of an encoding where it wrote the encoding's text.
    mutating func record(isEncoded: Bool) {
        share += Self.memory * ((isEncoded ? 1 : 0) - share)
    }

    /// With which tokens a text may begin.
    ///
    /// - Parameters:
    ///   - encoded: the first token of its encoding; nil if there is none.
    ///   - begins: whether the text begins with a token.
    func tokens(
        behind context: TextHabits.Context,
        encoded: Token?,
        begins: (Token) -> Bool
    ) -> [(token: Token, share: Double)] {
        var found: [(token: Token, share: Double)] = []
        var total = Self.prior
        var place = heads[context.recent] ?? -1
        while place >= 0 {
            let count = counts[Int(place)]
            if begins(count.token) {
                found.append((count.token, Double(count.times)))
                total += Double(count.times)
            }
            place = count.next
        }
        guard let encoded else { return found.map { ($0.token, $0.share / total) } }
        guard !found.isEmpty else { return [(encoded, share)] }
        if let known = found.firstIndex(where: { $0.token == encoded }) {
            found[known].share += Self.prior
        } else {
            found.append((encoded, Self.prior))
        }
        return found.map { ($0.token, $0.share / total) }
    }
}
