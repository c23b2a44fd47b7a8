import PacelineTraining

/// The training of a candidate, in pieces of a batch each of which is short.
struct LearningRound<Head: TrainableHead<Float>> {
    /// Rows of a text.
    struct Piece {
        var text: Int
        var rows: Range<Int>
    }

    private(set) var trainer: HeadTrainer<Head>
    private let texts: [ServedText]
    private let pieces: [Piece]
    private let context: Int
    private var order: BatchOrder
    /// The batch at hand, and how much of it has been added to `share`.
    private var batch: [TrainingSequence<Float>] = []
    private var done = 0
    private var share: HeadTrainer<Head>.Share?
    /// Steps that have been made in this round.
    private(set) var steps = 0

    /// - Parameters:
    ///   - pieces: at least one.
    ///   - context: rows before a piece that are read with it.
    init(
        trainer: HeadTrainer<Head>,
        texts: [ServedText],
        pieces: [Piece],
        context: Int,
        rowsPerStep: Int
    ) {
        (self.trainer, self.texts) = (trainer, texts)
        (self.pieces, self.context) = (pieces, context)
        order = BatchOrder(lengths: pieces.map(\.rows.count), tokensPerBatch: rowsPerStep, seed: trainer.recipe.seed)
    }

    /// Computes the gradient of one piece, and makes a step if it was the batch's last.
    ///
    /// - Returns: whether a step was made.
    mutating func work() throws(TrainingDataError) -> Bool {
        if batch.isEmpty {
            batch = order.next().map { texts[pieces[$0].text].sequence(learning: pieces[$0].rows, context: context) }
            (done, share) = (0, nil)
        }
        let next = try trainer.share(of: batch[done...done], in: batch.count)
        if share == nil { share = next } else { share?.add(next) }
        done += 1
        guard done == batch.count, let whole = share else { return false }
        (batch, share) = ([], nil)
        _ = trainer.step([whole])
        steps += 1
        return true
    }
}

/// Two heads on the same texts by the real drafting loop, one text at a time.
struct HeadComparison {
    /// Rounds of drafting that each head has in all, and the most in a text: a few hundredths of a second.
    private static let (rounds, roundsOfText) = (600, 32)

    private let texts: [ServedText]
    private let present: DraftHead
    private let candidate: DraftHead
    private var measures = (present: AcceptanceMeasure(.chain(4)), candidate: AcceptanceMeasure(.chain(4)))
    private var done = 0

    init(texts: [ServedText], present: DraftHead, candidate: DraftHead) {
        (self.texts, self.present, self.candidate) = (texts, present, candidate)
    }

    var rounds: Int { measures.present.rounds }

    /// The mean acceptance lengths.
    var lengths: (present: Double, candidate: Double) { (measures.present.length, measures.candidate.length) }

    /// Measures with the next text.
    ///
    /// - Returns: whether it was the last.
    mutating func work() throws -> Bool {
        guard done < texts.count else { return true }
        let text = texts[done].sequence(learning: texts[done].learned, context: .max)
        let (skipped, rounds) = (Double(done % 4) / 4, max(8, min(Self.roundsOfText, Self.rounds / texts.count)))
        try measures.present.add(text, present.draft, skipped: skipped, rounds: rounds)
        try measures.candidate.add(text, candidate.draft, skipped: skipped, rounds: rounds)
        done += 1
        return done == texts.count
    }
}
