package import PacelineSpeculation
package import PacelineTensor

/// Writes several texts together, a token of each in every pass, and keeps what the model thought meanwhile.
///
/// A text depends on its question alone, not on the others. For the thread of the transformer.
package final class GenerationBatch {
    /// What is to be written.
    package struct Question: Sendable {
        /// Names the text among others.
        package var number: Int
        package var prompt: [Token]
        package var sampling: SamplingParameters
        /// Most tokens to write.
        package var limit: Int
        /// Tokens that end the text.
        package var ends: Set<Token>
        /// Whether the text is to become a part of a prompt: then no probable tokens are kept, and its end is not read.
        package var writesPrompt: Bool

        package init(
            number: Int,
            prompt: [Token],
            sampling: SamplingParameters = .greedy,
            limit: Int,
            ends: Set<Token>,
            writesPrompt: Bool = false
        ) {
            (self.number, self.prompt, self.sampling) = (number, prompt, sampling)
            (self.limit, self.ends, self.writesPrompt) = (limit, ends, writesPrompt)
        }
    }

    /// A finished text.
    package struct Answer {
        package let question: Question
        /// The prompt and what was written, with the token that ended it.
        package fileprivate(set) var tokens: [Token]
        /// Features of every token that was read: these × (taps · width).
        package fileprivate(set) var features: [Float]
        /// For every written token, the most probable ones at its place by the raw softmax, the most probable first;
        /// empty if they were not kept.
        package fileprivate(set) var top: [Candidate] = []
        /// Of a text that becomes a part of a prompt.
        fileprivate var cache: KVCache?

        package var written: ArraySlice<Token> { tokens[question.prompt.count...] }
    }

    private struct Sequence {
        var answer: Answer
        let cache: KVCache
        let sampler: Sampler
        let law: LogitRow
        /// Whether the last token has been written.
        var isWritten = false

        /// Tokens that no pass has read.
        var pending: Int { answer.tokens.count - cache.length }
        /// The last token is read for its features alone.
        var isFinished: Bool { isWritten && (pending == 0 || answer.question.writesPrompt) }

        /// The answer. Only what goes on keeps its memory.
        var finished: Answer {
            var answer = answer
            if answer.question.writesPrompt { answer.cache = cache }
            return answer
        }

        mutating func take(_ choice: Choice) {
            answer.tokens.append(choice.token)
            answer.top += choice.top
            isWritten = answer.written.count == answer.question.limit || answer.question.ends.contains(choice.token)
        }
    }

    /// What a pass says about the next token of a sequence.
    private struct Choice {
        var token: Token
        var top: [Candidate]
    }

    /// Rows of a pass, unless there are more sequences.
    private static let passRows = 128

    private let transformer: Transformer
    private let pool: KVPagePool
    private let features: FeatureRows
    private let topCount: Int
    private let slots: Int
    private let capacity: Int
    private var sequences: [Sequence] = []

    /// - Parameters:
    ///   - transformer: used by this batch alone.
    ///   - taps: where features are read.
    ///   - topCount: how many probable tokens are kept at each place.
    ///   - sequences: written at a time, at most.
    ///   - contextLength: tokens that one of them may hold.
    package init(
        transformer: Transformer,
        taps: [FeatureTap],
        topCount: Int,
        sequences: Int,
        contextLength: Int
    ) throws(FeatureTapError) {
        self.transformer = transformer
        (self.topCount, slots, capacity) = (topCount, sequences, contextLength)
        features = try FeatureRows(taps: taps, of: transformer.configuration)
        pool = KVPagePool(
            shape: transformer.cacheShape,
            slots: Self.slots(sequences: sequences, contextLength: contextLength)
        )
    }

    /// The memory that it takes with its model.
    package static func demand(
        of model: ModelFile,
        sequences: Int,
        contextLength: Int,
        cacheType: KVType
    ) -> MemoryDemand {
        MemoryDemand(
            model,
            slots: slots(sequences: sequences, contextLength: contextLength),
            contextLength: contextLength,
            sequences: sequences,
            cacheType: cacheType
        )
    }

    private static func slots(sequences: Int, contextLength: Int) -> Int {
        // The last page of each is partly empty.
        sequences * (contextLength + KVPage.slots)
    }

    package var isEmpty: Bool { sequences.isEmpty }
    package var hasRoom: Bool { sequences.count < slots }

    /// Tokens written so far, without prompts.
    package var written: Int {
        sequences.reduce(0) { $0 + ($1.answer.question.writesPrompt ? 0 : $1.answer.written.count) }
    }

    /// Begins a text. There must be room.
    ///
    /// - Parameter earlier: a text of this batch that the prompt may begin like; used once. What has been computed is
    ///   not computed again, which changes no bit.
    /// - Throws: ``GenerationBatchError`` for a prompt that is empty, or too long for what may follow.
    package func add(_ question: Question, after earlier: Answer? = nil) throws(GenerationBatchError) {
        precondition(hasRoom, "there is no room for another text")
        guard !question.prompt.isEmpty else { throw .emptyPrompt }
        guard question.prompt.count + question.limit <= capacity else {
            throw .tooLong(prompt: question.prompt.count, limit: question.limit, context: capacity)
        }
        let cache = earlier?.cache ?? KVCache(pool: pool)
        let same = zip(earlier?.tokens ?? [], question.prompt).prefix { $0 == $1 }.count
        // The prompt's last token is read again, for its law.
        cache.truncate(to: min(same, question.prompt.count - 1, cache.length))
        let features = earlier?.features.prefix(cache.length * features.taps.count * features.width) ?? []
        let columns = transformer.weights.columns
        let sequence = Sequence(
            answer: Answer(question: question, tokens: question.prompt, features: Array(features)),
            cache: cache,
            sampler: Sampler(parameters: question.sampling, columns: columns, isa: transformer.compute.isa),
            law: LogitRow(count: columns.count, isa: transformer.compute.isa)
        )
        sequences.append(sequence)
    }

    /// Makes one pass.
    ///
    /// - Returns: the texts that are finished with it.
    /// - Throws: ``KVCacheError`` if memory runs out, ``LogitError`` if a logit is not a finite number.
    package func step() throws -> [Answer] {
        let counts = rowCounts()
        var rows: [PassRow] = []
        for (index, count) in counts.enumerated() { rows += try self.rows(of: sequences[index], count) }
        let logits = transformer.forward(rows, features: features)
        var (feature, scored) = (0, [Int]())
        for (index, count) in counts.enumerated() where count > 0 {
            sequences[index].cache.commit(count)
            for row in feature..<feature + count { sequences[index].answer.features += features.row(row) }
            feature += count
            if sequences[index].pending == 0, !sequences[index].isWritten { scored.append(index) }
        }
        let chosen = transformer.compute.map(scored.count) { row in
            Result { () throws(LogitError) in try choice(sequences[scored[row]], logits, row: row) }
        }
        for (index, choice) in zip(scored, chosen) { sequences[index].take(try choice.get()) }
        defer { sequences.removeAll(where: \.isFinished) }
        return sequences.filter(\.isFinished).map(\.finished)
    }

    /// How many rows of the next pass each sequence gets: one for each that writes, and the rest to prompts in order.
    private func rowCounts() -> [Int] {
        var left = max(Self.passRows - sequences.count(where: { $0.pending == 1 }), 1)
        return sequences.map { sequence in
            guard sequence.pending > 1 else { return sequence.pending }
            let count = min(sequence.pending, left)
            left -= count
            return count
        }
    }

    private func rows(of sequence: Sequence, _ count: Int) throws(KVCacheError) -> [PassRow] {
        let (cache, tokens) = (sequence.cache, sequence.answer.tokens)
        let start = cache.length
        try cache.reserve(start + count)
        return (start..<start + count).map { position in
            .committed(
                tokens[position],
                position: position,
                cache: cache,
                wantsLogits: position == tokens.count - 1 && !sequence.isWritten,
                wantsFeatures: true
            )
        }
    }

    private func choice(_ sequence: Sequence, _ logits: FloatMatrix, row: Int) throws(LogitError) -> Choice {
        let answer = sequence.answer
        let token = try sequence.sampler.nextToken(
            logits,
            row: row,
            position: answer.tokens.count,
            recent: answer.tokens.suffix(sequence.sampler.recentLength)
        )
        guard !answer.question.writesPrompt else { return Choice(token: token, top: []) }
        sequence.law.load(logits, row: row)
        let columns = transformer.weights.columns
        return Choice(
            token: token,
            top: sequence.law.mostLikely(topCount).map {
                Candidate(token: columns.token(Int($0.token)), logProbability: $0.logProbability)
            }
        )
    }
}

/// A text that cannot be written.
package enum GenerationBatchError: Error, Equatable, CustomStringConvertible {
    case emptyPrompt
    case tooLong(prompt: Int, limit: Int, context: Int)

    package var description: String {
        switch self {
        case .emptyPrompt: "a prompt has no tokens; leave it out"
        case .tooLong(let prompt, let limit, let context):
            "a prompt of \(prompt) tokens and \(limit) more do not fit in a context of \(context); allow more with "
                + "--context, or less with --max-tokens"
        }
    }
}
