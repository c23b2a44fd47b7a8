import PacelineSpeculation
package import PacelineTraining

/// What a head's drafts are worth: the real drafting loop on texts that the target wrote greedily.
///
/// Each round drafts behind the tokens that are known, takes what the target said too and its next token, and goes on
/// from there with the target's features of them. Teacher-forced agreement says little about this.
package struct AcceptanceMeasure: Equatable, Sendable {
    package let growth: DraftGrowth
    package private(set) var rounds = 0
    /// Rounds in which more than k drafted tokens were accepted, by k.
    package private(set) var accepted: [Int]

    package init(_ growth: DraftGrowth) {
        self.growth = growth
        accepted = [Int](repeating: 0, count: growth.depth)
    }

    /// The mean acceptance length: tokens a round, with the target's own.
    package var length: Double {
        1 + (rounds == 0 ? 0 : Double(accepted.reduce(0, +)) / Double(rounds))
    }

    /// How often the token at a place was accepted where the ones before it were, by place.
    package var conditional: [Double] {
        accepted.indices.map { place in
            let before = place == 0 ? rounds : accepted[place - 1]
            return before == 0 ? 0 : Double(accepted[place]) / Double(before)
        }
    }

    /// Adds rounds in a text.
    ///
    /// - Parameters:
    ///   - empty: a greedy draft of the head, which has committed nothing.
    ///   - skipped: the share of the answer to leave out at its begin, 0 … 1, so that several short measures see all
    ///     parts of texts.
    ///   - limit: the most rounds.
    package mutating func add(
        _ sequence: TrainingSequence<Float>,
        _ empty: some FeatureDraft,
        skipped: Double = 0,
        rounds limit: Int = .max
    ) throws {
        guard let first = sequence.top.firstIndex(where: { !$0.isEmpty }) else { return }
        let tokens = sequence.tokens.map(Token.init)
        // The last token that is known; the target has said one before the first round.
        var known = first + 1 + Int(skipped * Double(tokens.count - first - 1))
        var draft = empty
        var done = 0
        // Rounds at the end, where tokens are missing that might be accepted, do not count.
        while known + growth.depth + 1 < tokens.count, done < limit {
            draft.commit(sequence, through: known)
            let tree = try draft.tree(growth)
            let path = tree.descend(tokens[(known + 1)...])
            for place in path.indices { accepted[place] += 1 }
            rounds += 1
            done += 1
            known += path.count + 1
        }
    }

    /// Measures some texts, of each at most as many rounds as all may have together.
    ///
    /// - Parameter empty: a greedy draft of the head, which has committed nothing.
    package mutating func add(
        _ sequences: [TrainingSequence<Float>],
        _ empty: some FeatureDraft,
        rounds: Int
    ) throws {
        for (index, sequence) in sequences.enumerated() {
            let share = (rounds * (index + 1) / sequences.count) - (rounds * index / sequences.count)
            try add(sequence, empty, skipped: Double(index % 4) / 4, rounds: share)
        }
    }
}

extension FeatureDraft {
    /// Commits a text's rows up to the one that reads the token at position `last`.
    fileprivate mutating func commit(_ sequence: TrainingSequence<Float>, through last: Int) {
        let (rows, width) = (end..<last, sequence.features.columns)
        commit(
            features: sequence.features.values[rows.lowerBound * width..<rows.upperBound * width],
            tokens: rows.map { Token(sequence.tokens[$0 + 1]) }
        )
    }
}
