package import PacelineSpeculation

/// What one pass does for one sequence.
package struct Round: Sendable {
    package enum Work: Sendable {
        /// Compute the next `count` tokens of the base that are not in the cache yet, but never its last one. No token
        /// is decided.
        case prefill(count: Int)
        /// Compute what is left of the base and the tree, and decide about the tree. An empty tree is plain decoding.
        case verify(TokenTree)
    }

    package var request: RequestID
    package var work: Work

    package init(request: RequestID, work: Work) {
        self.request = request
        self.work = work
    }

    /// Rows that the round adds to the pass.
    package var rows: Int {
        switch work {
        case .prefill(let count): count
        case .verify(let tree): tree.count + 1
        }
    }
}

/// What a pass brought for one sequence.
package enum RoundOutcome: Sendable {
    /// More tokens of the base are in the cache: `count` that were computed, and `reused` that another sequence with
    /// the same beginning had computed before. They come on top of what the round asked for, or instead of it. The
    /// log-probabilities are those of the tokens that follow each computed one, if the opening asked for the prompt's.
    ///
    /// The features are those of the computed tokens, if the pass has taps.
    case prefilled(
        count: Int,
        reused: Int,
        logProbabilities: [TokenLogProbability] = [],
        features: FeatureBlock? = nil
    )
    /// The tree was decided about; the engine's cache already follows the verdict. If the opening asked for
    /// log-probabilities, there is one for each of the verdict's tokens. `dropped` nodes of the tree were not computed,
    /// because they could not be accepted or there was no room for them.
    ///
    /// The features are those of the base's last token and of the accepted ones, if the pass has taps.
    case verified(
        Verdict,
        logProbabilities: [TokenLogProbability] = [],
        dropped: Int = 0,
        features: FeatureBlock? = nil
    )
    /// The engine could not do the round, for a reason that concerns this sequence alone. The sequence must be closed.
    case failed(reason: String)
    /// As `failed`, because there is no memory for the sequence's keys and values.
    case noRoom(reason: String)

    /// Rows that the pass computed for a round that asked for `rows`.
    func rows(of rows: Int) -> Int {
        switch self {
        case .prefilled(let count, _, _, _): count
        case .verified(_, _, let dropped, _): rows - dropped
        case .failed, .noRoom: rows
        }
    }

    /// Tokens that the sequence gained.
    var emittedTokens: Int {
        if case .verified(let verdict, _, _, _) = self { verdict.tokens.count } else { 0 }
    }
}
