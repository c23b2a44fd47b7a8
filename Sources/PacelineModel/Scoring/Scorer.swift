package import PacelineSpeculation
import PacelineTensor

/// Computes a model's next-token probabilities at positions of a text.
package struct Scorer {
    /// The most likely tokens after `tokens[0 ... position]`.
    package struct Position: Sendable, Equatable {
        package var position: Int
        /// Token and natural log-probability (raw softmax), most likely first.
        package var top: [Candidate]
    }

    /// Tokens per pass, at most. This bounds the memory for logits, whose rows are as wide as the vocabulary.
    private static let chunk = 64

    private let transformer: Transformer

    package init(transformer: Transformer) {
        self.transformer = transformer
    }

    /// The `count` most likely tokens at each of `positions` (all positions of `tokens` if nil).
    ///
    /// The probabilities exclude the padding of the vocabulary.
    ///
    /// - Throws: ``ScoringError`` for invalid tokens or positions, ``LogitError`` if a logit is not a finite number.
    package func score(_ tokens: [Token], positions: Set<Int>? = nil, count: Int) throws -> [Position] {
        try check(tokens, positions)
        let cache = KVCache(pool: KVPagePool(shape: transformer.cacheShape, slots: tokens.count))
        let law = LogitRow(count: transformer.weights.columns.count, isa: transformer.compute.isa)
        var result: [Position] = []
        for start in stride(from: 0, to: tokens.count, by: Self.chunk) {
            let range = start..<min(tokens.count, start + Self.chunk)
            try cache.reserve(range.upperBound)
            let wanted = range.filter { positions?.contains($0) ?? true }
            let logits = transformer.forward(
                range.map { .committed(tokens[$0], position: $0, cache: cache, wantsLogits: wanted.contains($0)) }
            )
            cache.commit(range.count)
            for (row, position) in wanted.enumerated() {
                law.load(logits, row: row)
                if let column = law.firstNotFinite {
                    throw LogitError(token: Token(column), value: law[column], position: position + 1)
                }
                result.append(Position(position: position, top: law.mostLikely(count)))
            }
        }
        return result
    }

    private func check(_ tokens: [Token], _ positions: Set<Int>?) throws(ScoringError) {
        let configuration = transformer.configuration
        guard !tokens.isEmpty else { throw .noTokens }
        guard tokens.count <= configuration.contextLength else {
            throw .tooLong(count: tokens.count, context: configuration.contextLength)
        }
        let vocabularySize = transformer.weights.columns.count
        if let token = tokens.first(where: { $0 >= vocabularySize }) {
            throw .unknownToken(token, vocabularySize: vocabularySize)
        }
        if let position = positions?.first(where: { !tokens.indices.contains($0) }) {
            throw .noSuchPosition(position, count: tokens.count)
        }
    }
}

/// Why a text cannot be scored.
package enum ScoringError: Error, Equatable, CustomStringConvertible {
    case noTokens
    case tooLong(count: Int, context: Int)
    case unknownToken(Token, vocabularySize: Int)
    case noSuchPosition(Int, count: Int)

    package var description: String {
        switch self {
        case .noTokens:
            "there are no tokens to score; give some with --tokens, or a text with -p"
        case .tooLong(let count, let context):
            "the text has \(count) tokens, but the model's context holds \(context); shorten it"
        case .unknownToken(let token, let size):
            "token id \(token) is outside the model's vocabulary of \(size) tokens; use ids below \(size)"
        case .noSuchPosition(let position, let count):
            "position \(position) is outside the text of \(count) tokens; use 0 to \(count - 1), or last"
        }
    }
}
