/// The tokens that a head can draft, a part of the target's vocabulary: d2t and its inverse.
package struct DraftVocabulary: Equatable, Sendable {
    /// The target's token by draft token.
    package let targetTokens: [Int]
    /// The draft token by the target's token; -1 for those that cannot be drafted.
    private let draftTokens: [Int32]

    /// - Parameters:
    ///   - targetTokens: ascending, each at least 0 and below `targetCount`.
    ///   - targetCount: the size of the target's vocabulary.
    package init(targetTokens: [Int], targetCount: Int) throws(TrainingDataError) {
        var draftTokens = [Int32](repeating: -1, count: max(0, targetCount))
        var last = -1
        for (draft, target) in targetTokens.enumerated() {
            guard target > last, target < targetCount else {
                throw .draftVocabulary(index: draft, token: target, after: last, targetCount: targetCount)
            }
            draftTokens[target] = Int32(draft)
            last = target
        }
        (self.targetTokens, self.draftTokens) = (targetTokens, draftTokens)
    }

    /// The `count` most frequent tokens and all `required` ones (end of text, markers of the template).
    ///
    /// - Parameter frequencies: how often the target said each token, by token.
    package init(mostFrequent count: Int, frequencies: [Int], required: [Int] = []) throws(TrainingDataError) {
        let needed = Set(required)
        let others = frequencies.indices.filter { !needed.contains($0) }
            .sorted { (-frequencies[$0], $0) < (-frequencies[$1], $1) }
        let chosen = needed.sorted() + others.prefix(max(0, count - needed.count))
        try self.init(targetTokens: chosen.sorted(), targetCount: frequencies.count)
    }

    package var count: Int { targetTokens.count }
    package var targetCount: Int { draftTokens.count }

    /// The draft token of a token of the target, if it has one.
    package func draftToken(of token: Int) -> Int? {
        guard draftTokens.indices.contains(token), draftTokens[token] >= 0 else { return nil }
        return Int(draftTokens[token])
    }
}
