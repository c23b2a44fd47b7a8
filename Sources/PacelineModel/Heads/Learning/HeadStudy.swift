package import PacelineSpeculation
package import PacelineTensor
package import PacelineTraining

/// A head that learns from texts, one short piece of work at a time.
package protocol HeadStudying {
    /// Takes texts that have been served. Those that cannot be learned from are ignored.
    mutating func receive(_ texts: [ServedText])

    /// Does the next piece of work.
    ///
    /// - Throws: if weights cannot be packed. It may be called again; the round is given up then.
    mutating func work() throws -> HeadStudyOutcome
}

/// What a piece of work has brought.
package enum HeadStudyOutcome: Equatable, Sendable {
    /// There is nothing to do until more text comes.
    case nothing
    /// There is more to do.
    case worked
    /// A better head.
    case adopted(LearnedHead)
    /// The head stays as it was.
    case dropped(LearningScore)
}

/// A head's new parameters, and how they were found better.
package struct LearnedHead: Equatable, Sendable {
    /// In the layout of the head's network.
    package var parameters: [Float]
    package var score: LearningScore

    package init(parameters: [Float], score: LearningScore) {
        (self.parameters, self.score) = (parameters, score)
    }
}

/// A round's measurement.
package struct LearningScore: Equatable, Sendable {
    /// Mean acceptance lengths of chains of 4.
    package var before: Double
    package var after: Double
    /// Rounds of drafting that each was measured in.
    package var rounds: Int
    /// Steps of the round.
    package var steps: Int

    package init(before: Double, after: Double, rounds: Int, steps: Int) {
        (self.before, self.after) = (before, after)
        (self.rounds, self.steps) = (rounds, steps)
    }
}

/// How a head learns.
package struct HeadStudySettings: Equatable, Sendable {
    package var rule = HeadLearner.Rule()
    /// Constant, as for Online SD (arXiv 2310.07177).
    package var learningRate = 1e-4
    /// Of texts.
    package var byteLimit = 64 << 20
    /// One text of so many is kept to measure with.
    package var heldOutEvery = 6

    package init() {}
}

/// What a learning head is and knows, besides its parameters.
package struct HeadSubject<Head: TrainableHead<Float>> {
    package var network: HeadFile.Network
    package var taps: [FeatureTap]
    /// For measuring. Of the learner's own thread, as is `compute`.
    package var vocabulary: TargetVocabulary
    package var compute: Compute
    /// The target's output rows.
    package var output: OutputSlice<Float>
    /// The target's embeddings of tokens below the vocabulary's end: tokens × width.
    package var embed: ([Int]) -> Matrix<Float>
    package var makeHead: (FrozenVocabulary<Float>, _ featureScale: Double) throws(TrainingDataError) -> Head

    package init(
        network: HeadFile.Network,
        taps: [FeatureTap],
        vocabulary: TargetVocabulary,
        compute: Compute,
        output: OutputSlice<Float>,
        embed: @escaping ([Int]) -> Matrix<Float>,
        makeHead: @escaping (FrozenVocabulary<Float>, _ featureScale: Double) throws(TrainingDataError) -> Head
    ) {
        (self.network, self.taps) = (network, taps)
        (self.vocabulary, self.compute) = (vocabulary, compute)
        (self.output, self.embed, self.makeHead) = (output, embed, makeHead)
    }

    /// The head, ready to draft.
    func drafting(_ parameters: [Float]) throws -> DraftHead {
        try DraftHead(network, parameters, vocabulary, taps: taps, compute: compute)
    }
}

/// The arithmetic of ``HeadLearner``'s decisions. It has no clock, no threads and no files; the same texts between the
/// same pieces of work give the same heads.
package struct HeadStudy<Head: TrainableHead<Float>>: HeadStudying {
    /// Rows of a piece of training to learn: so few that a piece takes a few tenths of a second.
    private static var learnedRows: Int { 64 }
    /// Rows before them that are read with them.
    private static var contextRows: Int { 64 }

    private let subject: HeadSubject<Head>
    private let learningRate: Double
    private var learner: HeadLearner
    private var store: TextStore
    /// The present head.
    private var state: TrainingState<Float>
    private var round: LearningRound<Head>?
    private var comparison: HeadComparison?
    private var roundCount: UInt64 = 0

    /// - Parameter parameters: of the present head, in its network's layout.
    package init(
        _ subject: HeadSubject<Head>,
        parameters: [Float],
        _ settings: HeadStudySettings = HeadStudySettings()
    ) throws {
        try OpenBLAS.load()
        (self.subject, learningRate) = (subject, settings.learningRate)
        learner = HeadLearner(settings.rule)
        store = TextStore(byteLimit: settings.byteLimit, heldOutEvery: settings.heldOutEvery)
        state = TrainingState(parameters: parameters)
    }

    package mutating func receive(_ texts: [ServedText]) {
        let (width, tokens) = (subject.network.width, subject.vocabulary.tokens.targetCount)
        for text in texts where text.features.rowLength == width {
            // What came over a network may be anything.
            guard text.tokens.allSatisfy({ $0 < tokens }), text.features.values.allSatisfy(\.isFinite) else { continue }
            store.add(text)
        }
    }

    package mutating func work() throws -> HeadStudyOutcome {
        let fill = HeadLearner.Fill(
            received: store.received,
            training: store.trainingRows,
            heldOut: store.heldOutRows
        )
        do {
            switch learner.next(fill) {
            case .wait: return .nothing
            case .begin(let steps): try begin(steps: steps)
            case .train: try train()
            case .measure: return try measure()
            }
            return .worked
        } catch {
            (round, comparison) = (nil, nil)
            learner.failed()
            throw error
        }
    }

    private mutating func begin(steps: Int) throws {
        roundCount += 1
        var recipe = TrainingRecipe(seed: roundCount, peakLearningRate: learningRate, totalSteps: steps)
        recipe.learningRate = LearningRate(peak: learningRate, warmUpSteps: 4, totalSteps: .max, finalShare: 1)
        recipe.selfFeeding = [.init(fromStep: 0, runs: 3)]
        let texts = store.training
        let tokens = Set(texts.lazy.flatMap(\.tokens)).map(Int.init).sorted()
        let frozen = try FrozenVocabulary(
            embedding: EmbeddingTable(tokens: tokens, rows: subject.embed(tokens)),
            output: subject.output,
            vocabulary: subject.vocabulary.tokens
        )
        let head = try subject.makeHead(frozen, texts.featureScale)
        round = LearningRound(
            trainer: try HeadTrainer(head, recipe: recipe, state: state),
            texts: texts,
            pieces: texts.indices.flatMap { text in
                texts[text].pieces(of: Self.learnedRows).map { .init(text: text, rows: $0) }
            },
            context: Self.contextRows,
            rowsPerStep: learner.rule.rowsPerStep
        )
    }

    private mutating func train() throws {
        // Out of here while it works, so that its large arrays are changed in place.
        guard var current = round.take() else { return learner.failed() }
        if try current.work() { learner.trained() }
        round = current
    }

    private mutating func measure() throws -> HeadStudyOutcome {
        guard let round else {
            learner.failed()
            return .worked
        }
        if comparison == nil {
            comparison = HeadComparison(
                texts: store.heldOut,
                present: try subject.drafting(state.parameters),
                candidate: try subject.drafting(round.trainer.state.parameters)
            )
            return .worked
        }
        guard try comparison?.work() == true, let comparison else { return .worked }
        let (before, after) = (comparison.lengths.present, comparison.lengths.candidate)
        let score = LearningScore(
            before: before,
            after: after,
            rounds: comparison.rounds,
            steps: round.steps
        )
        (self.round, self.comparison) = (nil, nil)
        switch learner.measured(present: before, candidate: after) {
        case .drop:
            state = TrainingState(parameters: state.parameters)
            return .dropped(score)
        case .adopt:
            state = round.trainer.state
            return .adopted(LearnedHead(parameters: state.parameters, score: score))
        }
    }
}

extension [ServedText] {
    /// The standard deviation of features around 0, from the first rows of each text.
    fileprivate var featureScale: Double {
        var (squares, numbers) = (0.0, 0)
        for text in self {
            for value in text.features.values.prefix(16 * text.features.rowLength) {
                squares += Double(value) * Double(value)
                numbers += 1
            }
        }
        let scale = (squares / Double(Swift.max(1, numbers))).squareRoot()
        return scale > 0 ? scale : 1
    }
}
