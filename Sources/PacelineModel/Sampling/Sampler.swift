import PacelineGrammar
package import PacelineSpeculation
package import PacelineTensor

/// Turns logits into a request's next token, as a pure function of (logits, sampling parameters, seed, position,
/// context).
///
/// The steps, in order: logit bias, penalties, masks, temperature, top-k, top-p, min-p, largest logit. Above
/// temperature 0, the last step adds the shared Gumbel noise of (seed, position) first (arXiv 2408.07978). The same
/// steps on a drafter's logits give its best guesses: ``candidates(_:row:position:recent:count:)``.
///
/// A sampler owns scratch memory, so one thread uses it at a time.
package struct Sampler {
    package let parameters: SamplingParameters
    private let mask: TokenMask
    /// The tokens of the columns of logits. A token without a column is never chosen.
    private let columns: LogitColumns
    private let law: LogitRow
    private let perturbed: LogitRow

    package init(
        parameters: SamplingParameters,
        vocabularySize: Int,
        mask: TokenMask = .none,
        isa: InstructionSet = .best
    ) {
        self.init(parameters: parameters, columns: LogitColumns(all: vocabularySize), mask: mask, isa: isa)
    }

    package init(
        parameters: SamplingParameters,
        columns: LogitColumns,
        mask: TokenMask = .none,
        isa: InstructionSet = .best
    ) {
        self.parameters = parameters
        self.mask = mask
        self.columns = columns
        law = LogitRow(count: columns.count, isa: isa)
        perturbed = LogitRow(count: columns.count, isa: isa)
    }

    /// The number of latest context tokens that `recent` must hold; 0 if no penalty is set.
    package var recentLength: Int {
        guard parameters.hasPenalties else { return 0 }
        return parameters.repeatLastN < 0 ? .max : parameters.repeatLastN
    }

    /// Chooses the token after a context from the logits of its last position.
    ///
    /// - Parameters:
    ///   - position: the absolute position of the token to choose (the number of tokens before it).
    ///   - recent: the last ``recentLength`` tokens of the context, or all of a shorter context.
    ///   - constraint: behind the context; nil where every token is legal.
    /// - Throws: ``LogitError`` if a logit is not a finite number.
    package func nextToken(
        _ logits: FloatMatrix,
        row: Int,
        position: Int,
        recent: ArraySlice<Token>,
        constraint: ConstraintCursor? = nil
    ) throws(LogitError) -> Token {
        if parameters.isGreedy, !adjusts(at: position) {
            // Nothing changes the logits, so they need not be copied.
            try check(logits, row: row, position: position)
            let winner = columns.token(law.largest(of: logits, row: row).index)
            if constraint?.allows(winner) ?? true { return winner }
        }
        try load(logits, row: row, position: position)
        adjust(recent: recent, position: position, endIsForced: constraint?.isFinal ?? false)
        guard let constraint else { return choose(position: position) }
        if !truncates {
            // Of all tokens the most probable one, it is the most probable one of the legal ones too, if it is legal.
            let winner = choose(position: position)
            if constraint.allows(winner) { return winner }
            try load(logits, row: row, position: position)
            adjust(recent: recent, position: position, endIsForced: constraint.isFinal)
        }
        restrict(to: constraint.mask)
        return choose(position: position)
    }

    /// Chooses by the law as it has been adjusted.
    private func choose(position: Int) -> Token {
        guard !parameters.isGreedy else { return columns.token(law.largest().index) }
        law.divide(by: parameters.temperature)
        guard let survivors = survivors() else {
            perturbAll(position: position)
            return columns.token(perturbed.largest().index)
        }
        return perturb(survivors, position: position)[0].token
    }

    /// The `count` most likely results of ``nextToken(_:row:position:recent:)`` if the target had these logits, best
    /// first.
    ///
    /// Log-probabilities come from a softmax over the (perturbed) logits. They estimate how confident the drafter is;
    /// no served token depends on them.
    ///
    /// - Parameter legal: no other tokens are among them.
    /// - Throws: ``LogitError`` if a logit is not a finite number.
    package func candidates(
        _ logits: FloatMatrix,
        row: Int,
        position: Int,
        recent: ArraySlice<Token>,
        count: Int,
        legal: LegalTokens = .all
    ) throws(LogitError) -> [Candidate] {
        try load(logits, row: row, position: position)
        adjust(recent: recent, position: position)
        if case .all = legal { return candidates(position: position, count: count) }
        if !truncates {
            // The best of all tokens are the best of the legal ones too, if they are legal.
            let best = candidates(position: position, count: count)
            if best.allSatisfy({ legal.contains($0.token) }) { return best }
            try load(logits, row: row, position: position)
            adjust(recent: recent, position: position)
        }
        if let mask = legal.mask { restrict(to: mask) }
        // Where fewer are legal than wanted, others fill the ranks.
        return candidates(position: position, count: count).filter { legal.contains($0.token) }
    }

    /// The distribution that ``nextToken(_:row:position:recent:)`` draws from; of a greedy one, all on its token.
    ///
    /// - Throws: ``LogitError`` if a logit is not a finite number.
    package func distribution(
        _ logits: FloatMatrix,
        row: Int,
        position: Int,
        recent: ArraySlice<Token>
    ) throws -> TokenDistribution {
        try load(logits, row: row, position: position)
        adjust(recent: recent, position: position)
        if !parameters.isGreedy { law.divide(by: parameters.temperature) }
        let largest = law.largest()
        let kept =
            parameters.isGreedy ? [Entry(token: columns.token(largest.index), logit: largest.value)] : survivors()
        var weights = [Double](repeating: 0, count: max(columns.prefix, columns.others.last.map { Int($0) + 1 } ?? 0))
        if let kept {
            for entry in kept { weights[Int(entry.token)] = Double(ExactMath.exp(entry.logit - largest.value)) }
        } else {
            for column in 0..<law.count {
                weights[Int(columns.token(column))] = Double(ExactMath.exp(law[column] - largest.value))
            }
        }
        guard let law = TokenDistribution(weights: weights) else {
            preconditionFailure("the most likely token has a weight of 1")
        }
        return law
    }

    /// The most likely tokens by the law as it has been adjusted.
    private func candidates(position: Int, count: Int) -> [Candidate] {
        if parameters.isGreedy { return mostLikely(law, count) }
        law.divide(by: parameters.temperature)
        guard let survivors = survivors() else {
            perturbAll(position: position)
            return mostLikely(perturbed, count)
        }
        let ranked = perturb(survivors, position: position)
        let total = ranked.reduce(0.0) { $0 + Double(ExactMath.exp($1.logit - ranked[0].logit)) }
        return ranked.prefix(count).map { candidate($0, largest: ranked[0].logit, total: total) }
    }

    // MARK: Steps

    /// A token and its logit at the current step.
    struct Entry {
        var token: Token
        var logit: Float

        /// Orders by descending logit; among equal logits, the lower id comes first.
        static func precedes(_ a: Entry, _ b: Entry) -> Bool {
            a.logit != b.logit ? a.logit > b.logit : a.token < b.token
        }
    }

    private func check(_ logits: FloatMatrix, row: Int, position: Int) throws(LogitError) {
        guard let column = logits.firstNotFinite(row: row) else { return }
        throw LogitError(token: columns.token(column), value: logits[row, column], position: position)
    }

    private func load(_ logits: FloatMatrix, row: Int, position: Int) throws(LogitError) {
        try check(logits, row: row, position: position)
        law.load(logits, row: row)
    }

    /// Whether ``adjust(recent:position:)`` may change a logit.
    private func adjusts(at position: Int) -> Bool {
        !parameters.logitBias.isEmpty || parameters.hasPenalties || !mask.tokens(at: position).isEmpty
    }

    /// Applies biases, penalties and the mask. This step and all later ones keep finite logits finite.
    ///
    /// - Parameter endIsForced: whether a constraint allows nothing but tokens that end the text, which the mask would
    ///   forbid.
    private func adjust(recent: ArraySlice<Token>, position: Int, endIsForced: Bool = false) {
        for bias in parameters.logitBias {
            if let column = columns.column(of: bias.token) { law[column] += bias.bias }
        }
        if parameters.hasPenalties { penalise(recent.suffix(recentLength)) }
        guard !endIsForced else { return }
        for token in mask.tokens(at: position) {
            if let column = columns.column(of: token) { law[column] = LogitRow.masked }
        }
    }

    /// Leaves only tokens of a set in the law. If they were all masked before, they compete as equals.
    private func restrict(to legal: TokenBits) {
        let isEmpty = !law.restrict(to: legal.words, prefix: columns.prefix)
        var hasOther = false
        for (offset, token) in columns.others.enumerated() {
            let column = columns.prefix + offset
            guard legal.contains(token) else {
                law[column] = LogitRow.masked
                continue
            }
            hasOther = hasOther || law[column] > LogitRow.masked
        }
        guard isEmpty, !hasOther else { return }
        for token in legal.tokens {
            if let column = columns.column(of: token) { law[column] = 0 }
        }
    }

    /// Whether only a part of the law is kept, which depends on all of it.
    private var truncates: Bool {
        let cutsByRank = parameters.topK > 0 && parameters.topK < law.count
        return !parameters.isGreedy && (cutsByRank || parameters.topP < 1 || parameters.minP > 0)
    }

    private func penalise(_ recent: ArraySlice<Token>) {
        let sorted = recent.sorted()
        var start = sorted.startIndex
        while start < sorted.endIndex {
            let token = sorted[start]
            let end = sorted[start...].firstIndex { $0 != token } ?? sorted.endIndex
            defer { start = end }
            guard let column = columns.column(of: token) else { continue }
            var logit = law[column]
            logit = logit > 0 ? logit / parameters.repetitionPenalty : logit * parameters.repetitionPenalty
            logit -= Float(end - start) * parameters.frequencyPenalty + parameters.presencePenalty
            law[column] = logit.clampedToFinite
        }
    }

    /// The entries that pass top-k, top-p and min-p, most likely first; nil if none of these is set.
    private func survivors() -> [Entry]? {
        let cutsByRank = parameters.topK > 0 && parameters.topK < law.count
        let cutsByMass = parameters.topP < 1
        guard cutsByRank || cutsByMass || parameters.minP > 0 else { return nil }
        let largest = law.largest().value
        var entries: [Entry]
        if cutsByRank {
            entries = mostLikely(largest: largest) { $0.count >= parameters.topK }
            entries.removeLast(max(0, entries.count - parameters.topK))
            if cutsByMass {
                let total = entries.reduce(0.0) { $0 + Double(ExactMath.exp($1.logit - largest)) }
                entries = Self.prefix(of: entries, largest: largest, mass: Double(parameters.topP) * total) ?? entries
            }
        } else if cutsByMass {
            let mass = Double(parameters.topP) * law.sumOfExponentials(shift: largest)
            entries = mostLikely(largest: largest) { Self.prefix(of: $0, largest: largest, mass: mass) != nil }
            entries = Self.prefix(of: entries, largest: largest, mass: mass) ?? entries
        } else {
            entries = entriesAtLeast(largest + ExactMath.log(parameters.minP))
        }
        if parameters.minP > 0 {
            let floor = largest + ExactMath.log(parameters.minP)
            entries.removeAll { !($0.logit >= floor) && $0.logit != largest }
        }
        return entries.isEmpty ? nil : entries
    }

    /// The most likely entries, in order. Widens the range below the largest logit until `suffices` is true.
    private func mostLikely(largest: Float, suffices: ([Entry]) -> Bool) -> [Entry] {
        var depth: Float = 4
        while depth < 512, largest.isFinite {
            let entries = entriesAtLeast(largest - depth)
            if suffices(entries) { return entries }
            depth *= 2
        }
        // Masked tokens are no candidates, unless there are no others.
        let entries = entriesAtLeast(LogitRow.masked / 2)
        return entries.isEmpty ? entriesAtLeast(-.infinity) : entries
    }

    private func entriesAtLeast(_ threshold: Float) -> [Entry] {
        law.indices(atLeast: threshold)
            .map { Entry(token: columns.token(Int($0)), logit: law[Int($0)]) }
            .sorted(by: Entry.precedes)
    }

    /// The shortest prefix whose Σ exp(logit − largest) reaches `mass`; nil if even all entries do not reach it.
    private static func prefix(of entries: [Entry], largest: Float, mass: Double) -> [Entry]? {
        var sum = 0.0
        for (index, entry) in entries.enumerated() {
            sum += Double(ExactMath.exp(entry.logit - largest))
            if sum >= mass { return Array(entries[...index]) }
        }
        return nil
    }

    /// Sets `perturbed` to the logits plus each token's noise.
    private func perturbAll(position: Int) {
        perturbed.perturb(law, seed: parameters.seed, position: position)
        // The noise depends on the token, not on its column.
        for (offset, token) in columns.others.enumerated() {
            let noise = ExactMath.gumbel(seed: parameters.seed, position: position, index: Int(token))
            perturbed[columns.prefix + offset] = law[columns.prefix + offset] + noise
        }
    }

    private func mostLikely(_ row: LogitRow, _ count: Int) -> [Candidate] {
        row.mostLikely(count).map {
            Candidate(token: columns.token(Int($0.token)), logProbability: $0.logProbability)
        }
    }

    /// Adds the shared noise and sorts.
    private func perturb(_ entries: [Entry], position: Int) -> [Entry] {
        entries
            .map { entry in
                let noise = ExactMath.gumbel(seed: parameters.seed, position: position, index: Int(entry.token))
                return Entry(token: entry.token, logit: entry.logit + noise)
            }
            .sorted(by: Entry.precedes)
    }

    private func candidate(_ entry: Entry, largest: Float, total: Double) -> Candidate {
        let logProbability = entry.logit - largest - ExactMath.log(Float(total))
        return Candidate(token: entry.token, logProbability: min(0, logProbability.clampedToFinite))
    }
}

extension Float {
    /// Replaces an infinity by the largest finite number of the same sign.
    fileprivate var clampedToFinite: Float {
        max(-.greatestFiniteMagnitude, min(.greatestFiniteMagnitude, self))
    }
}
