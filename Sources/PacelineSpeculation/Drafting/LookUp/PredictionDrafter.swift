/// Drafts what a client expects: the part of its prediction behind the place up to which the text has followed it.
///
/// While the text follows the prediction, the place moves on with it. When the text leaves it, its last tokens are
/// looked up in the prediction, the longest match first and the next occurrence first, as in prompt lookup. Without a
/// match the text is taken to differ in one token.
package struct PredictionDrafter: Sendable {
    /// Lengths of the n-grams that are looked up.
    private static let orders = [4, 2]
    /// Occurrences to examine, so that a prediction of one repeated token stays cheap.
    private static let scanLimit = 64

    private let prediction: [Token]
    private let indices: [NGramIndex]
    /// The last tokens of the text, as many as the longest n-gram.
    private var recent: [Token] = []
    /// Where the text is believed to go on in the prediction.
    private var place = 0
    /// Tokens in a row that were as predicted.
    private var agreed = 0

    /// - Parameter text: what has been generated already.
    package init(_ prediction: [Token], text: [Token] = []) {
        self.prediction = prediction
        indices = Self.orders.map { order in
            var index = NGramIndex(order: order)
            for position in prediction.indices { index.add(position, of: prediction) }
            return index
        }
        follow(text)
    }

    /// The text has grown.
    package mutating func follow(_ tokens: [Token]) {
        for token in tokens {
            recent = recent.suffix(Self.orders[0] - 1) + [token]
            if place < prediction.count, prediction[place] == token {
                agreed += 1
                place += 1
            } else {
                agreed = 0
                place = nextOccurrence() ?? place + 1
            }
        }
    }

    /// What should come next, as a chain. The more tokens in a row were as predicted, the surer it is.
    package func tree(limits: TreeLimits) -> TokenTree {
        var tree = TokenTree(limits: limits)
        let belief = Float(Double.logarithm(Double(agreed + 1) / Double(agreed + 2)))
        for token in prediction.dropFirst(place).prefix(min(limits.depth, limits.nodes)) {
            let node = TokenTree.Node(parent: tree.indices.last, token: token, logProbability: belief)
            // A token that is in no vocabulary ends the chain.
            guard (try? tree.append(node)) != nil else { break }
        }
        return tree
    }

    /// The place behind the next occurrence of the last tokens, or behind the latest one before.
    private func nextOccurrence() -> Int? {
        for index in indices where recent.count >= index.order {
            let gram = Array(recent.suffix(index.order))
            let places = index.positions(after: gram, in: prediction, limit: Self.scanLimit)
            if let next = places.last(where: { $0 >= place }) ?? places.first { return next }
        }
        return nil
    }
}
