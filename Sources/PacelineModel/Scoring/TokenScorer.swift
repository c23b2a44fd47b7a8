package import PacelineSpeculation
package import PacelineTensor

/// Computes the log-probabilities of single tokens from logits, by the definition that ``Scorer`` uses for texts.
///
/// Owns scratch memory, so one thread uses it at a time.
package struct TokenScorer {
    private let columns: LogitColumns
    private let law: LogitRow

    package init(columns: LogitColumns, isa: InstructionSet = .best) {
        self.columns = columns
        law = LogitRow(count: columns.count, isa: isa)
    }

    /// How probable `token` is by a row of logits.
    ///
    /// - Parameters:
    ///   - position: the token's absolute position, for the error.
    ///   - top: how many of the most probable tokens to list.
    /// - Throws: ``LogitError`` if a logit is not a finite number.
    package func score(
        _ token: Token,
        logits: FloatMatrix,
        row: Int,
        position: Int,
        top: Int
    ) throws(LogitError) -> TokenLogProbability {
        law.load(logits, row: row)
        if let column = law.firstNotFinite {
            throw LogitError(token: columns.token(column), value: law[column], position: position)
        }
        let scale = law.softmaxScale
        // Tokens without a column are refused before they come here.
        let logProbability = columns.column(of: token).map { law.logProbability($0, scale) }
        return TokenLogProbability(
            token: token,
            logProbability: logProbability ?? -.greatestFiniteMagnitude,
            top: law.mostLikely(top, scale).map {
                Candidate(token: columns.token(Int($0.token)), logProbability: $0.logProbability)
            }
        )
    }
}

extension LogitRow {
    /// What turns a logit into a log-probability.
    struct SoftmaxScale {
        var largest: Float
        /// log Σ exp(logit − largest).
        var logTotal: Float
    }

    var softmaxScale: SoftmaxScale {
        let largest = largest().value
        return SoftmaxScale(largest: largest, logTotal: ExactMath.log(Float(sumOfExponentials(shift: largest))))
    }

    func logProbability(_ index: Int, _ scale: SoftmaxScale) -> Float {
        min(0, self[index] - scale.largest - scale.logTotal)
    }

    /// The `count` largest logits with their log-probabilities, largest first. Among equal logits, the lower id comes
    /// first.
    package func mostLikely(_ count: Int) -> [Candidate] {
        mostLikely(count, softmaxScale)
    }

    func mostLikely(_ count: Int, _ scale: SoftmaxScale) -> [Candidate] {
        guard count > 0 else { return [] }
        var depth: Float = 4
        var found = indices(atLeast: scale.largest - depth)
        while found.count < count, depth < 1024 {
            depth *= 2
            found = indices(atLeast: scale.largest - depth)
        }
        let ranked = found.map(Int.init).sorted { self[$0] != self[$1] ? self[$0] > self[$1] : $0 < $1 }
        return ranked.prefix(count).map { index in
            Candidate(token: Token(index), logProbability: logProbability(index, scale))
        }
    }
}
