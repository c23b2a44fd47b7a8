import ArgumentParser
import PacelineModel
import PacelineSpeculation
import PacelineTensor
import PacelineTraining

/// Trains an EAGLE head: steps, measurements between them, and files.
struct EagleTrainingRun {
    /// What is asked for.
    struct Request {
        var output: String
        var draftTokens: Int
        var hidden: Int?
        var copiesLayer: Bool
        var epochs: Double
        var minutes: Double?
        var seed: UInt64
        var learningRate: Double
        var tokensPerBatch: Int
        var selfFeeding: Int
        /// Measurements in the second half without a better one after which the training ends.
        var patience: Int
        var resumes: Bool
    }

    /// Rounds of chains of a measurement.
    private static let rounds = 400
    private static let chain = EagleDraft.Growth.chain(4)
    private static let measurements = 20

    private let request: Request
    private let data: CapturedTexts
    private let target: HeadTarget
    private let vocabulary: TargetVocabulary
    private let compute: Compute
    private let settings: [TrainingRecord.Setting]
    private let start = ContinuousClock.now
    private var training: HeadTraining<EagleHead<Float>>
    private(set) var report: TrainingReport

    /// Makes the head, measures how fast steps are if the time is limited, and reads the record if it is to go on.
    ///
    /// - Throws: `ValidationError` for a record that does not fit, and the errors of data and weights.
    init(_ request: Request, model: ModelFile, target: HeadTarget, data: CapturedTexts, compute: Compute) throws {
        (self.request, self.data, self.target, self.compute) = (request, data, target, compute)
        let tokens = try Self.draftVocabulary(request, model, data.survey)
        let shape = EagleHead<Float>.Shape(for: model, hidden: request.hidden)
        let head = try EagleHead(
            shape,
            frozen: FrozenVocabulary(model, tokens, tokens: data.survey.tokens),
            weights: .init(),
            featureScale: data.survey.featureScale
        )
        vocabulary = try TargetVocabulary(model, tokens: tokens, compute: compute)
        let record = try request.resumes ? Self.record(at: request.recordPath) : nil
        let first = head.initialParameters(seed: request.seed, from: model, copiesLayer: request.copiesLayer)
        let steps = try record?.steps ?? Self.steps(request, head, first, data, compute)
        let settings = request.settings(target, data, steps: steps)
        self.settings = settings
        if let record { try Self.resumable { () throws(TrainingRecordError) in try record.check(settings) } }
        let recipe = TrainingRecipe(
            seed: request.seed,
            peakLearningRate: request.learningRate,
            totalSteps: steps,
            runs: request.selfFeeding
        )
        var state = TrainingState(parameters: first)
        if let record {
            state = try Self.resumable { () throws(CheckpointError) in
                try TrainingState(checkpoint: record.checkpoint, head.layout)
            }
        }
        training = HeadTraining(
            try HeadTrainer(head, recipe: recipe, state: state),
            lengths: data.texts.map(\.tokens),
            plan: TrainingPlan(steps: steps, tokensPerBatch: request.tokensPerBatch)
        )
        report = TrainingReport(
            target,
            data,
            coverage: data.survey.coverage(of: tokens),
            draftTokens: tokens.count,
            parameters: head.layout.count,
            steps: steps
        )
        report.measurements = record?.measurements ?? []
    }

    /// Trains to the end, or until it is stopped. The best head so far is in the output after each measurement, and
    /// the record beside it.
    ///
    /// - Parameters:
    ///   - isStopped: asked before each step.
    ///   - progress: called after each step with the share that is done, 0 … 1, and the last measurement.
    mutating func run(isStopped: () -> Bool, progress: (Double, TrainingMeasurement?) -> Void) throws {
        if report.measurements.isEmpty { try measure(loss: 0) }
        let every = max(1, training.plan.steps / Self.measurements)
        var (losses, count) = (0.0, 0)
        while !training.isDone, !isStopped(), !isOver {
            let (data, compute) = (data, compute)
            let step = try training.step(load: { try data.text($0) }, map: { compute.map($0, $1) })
            (losses, count) = (losses + step.losses.total, count + 1)
            if training.step % every == 0 || training.isDone {
                try measure(loss: losses / Double(count))
                (losses, count) = (0, 0)
            }
            progress(Double(training.step) / Double(training.plan.steps), report.measurements.last)
        }
        report.isFinished = training.isDone || isOver
        report.seconds = start.duration(to: .now).inMilliseconds / 1000
        try report.isFinished ? finish() : saveRecord()
    }

    /// Whether time is up, or measurements have stopped getting better.
    private var isOver: Bool {
        let elapsed = start.duration(to: .now).inMilliseconds / 60_000
        if let minutes = request.minutes, elapsed > minutes { return true }
        let half = report.measurements.filter { $0.step > training.plan.steps / 2 }
        guard let best = half.indices.max(by: { half[$0].acceptance < half[$1].acceptance }) else { return false }
        return half.count - 1 - best >= request.patience
    }

    private func network() throws -> EagleNetwork {
        try EagleNetwork(
            training.trainer.head.shape,
            parameters: training.trainer.state.parameters,
            vocabulary: vocabulary,
            compute: compute
        )
    }

    /// Measures the head by the real drafting loop, writes it if it is the best one, and records where the training is.
    private mutating func measure(loss: Double) throws {
        var chains = AcceptanceMeasure(Self.chain)
        try chains.add(data.heldOut, network(), rounds: Self.rounds)
        let isBest = report.measurements.allSatisfy { $0.acceptance < chains.length }
        report.measurements.append(
            TrainingMeasurement(
                step: training.step,
                tokens: training.step * request.tokensPerBatch,
                loss: loss,
                acceptance: chains.length,
                conditional: chains.conditional
            )
        )
        if isBest {
            let head = HeadFile(
                network: .eagle(training.trainer.head.shape),
                parameters: training.trainer.state.parameters,
                vocabulary: vocabulary.tokens,
                target: target
            )
            try OutputFile.replace(request.output, "the head", with: head.encoded())
        }
        try saveRecord()
    }

    /// Writes down where the training is, for the next run to go on from.
    private func saveRecord() throws {
        let record = TrainingRecord(
            settings: settings,
            measurements: report.measurements,
            checkpoint: training.trainer.state.checkpoint(training.trainer.head.layout)
        )
        try OutputFile.replace(request.recordPath, "the record of the training", with: record.encoded)
    }

    /// Measures the best head once more, as its file holds it, with chains and with trees.
    private mutating func finish() throws {
        let head = try HeadFile(path: request.output)
        guard case .eagle(let shape) = head.network else { return }
        let network = try EagleNetwork(
            shape,
            parameters: head.parameters,
            vocabulary: vocabulary,
            compute: compute
        )
        var (chains, trees) = (AcceptanceMeasure(Self.chain), AcceptanceMeasure(.init(nodes: 16, depth: 5, width: 4)))
        try chains.add(data.heldOut, network, rounds: 2 * Self.rounds)
        try trees.add(data.heldOut, network, rounds: Self.rounds)
        report.chain = .init(chains)
        report.tree = .init(trees)
    }
}

// MARK: Preparing

extension EagleTrainingRun {
    private static func draftVocabulary(
        _ request: Request,
        _ model: ModelFile,
        _ survey: CaptureSurvey
    ) throws -> DraftVocabulary {
        let control = model.tokenizer.controlTokens.map(Int.init).filter { $0 < survey.frequencies.count }
        let ends = model.tokenizer.endOfGeneration.map(Int.init).filter { $0 < survey.frequencies.count }
        // Models with hundreds of reserved control tokens need those that end an answer.
        let required = control.count <= request.draftTokens / 8 ? control : ends
        return try DraftVocabulary(
            mostFrequent: min(request.draftTokens, model.tokenizer.tokenCount),
            frequencies: survey.frequencies,
            required: required
        )
    }

    /// How many steps there are to be: some passes over the data, but no more than fit into the time.
    private static func steps(
        _ request: Request,
        _ head: EagleHead<Float>,
        _ parameters: [Float],
        _ data: CapturedTexts,
        _ compute: Compute
    ) throws -> Int {
        let wanted = TrainingPlan.steps(
            epochs: request.epochs,
            tokens: data.texts.reduce(0) { $0 + $1.tokens },
            tokensPerBatch: request.tokensPerBatch
        )
        guard let minutes = request.minutes else { return wanted }
        func seconds(_ runs: Int) throws -> Double {
            var recipe = TrainingRecipe(seed: request.seed, peakLearningRate: 0, totalSteps: 1, runs: runs)
            recipe.selfFeeding = [.init(fromStep: 0, runs: runs)]
            let trainer = try HeadTrainer(head, recipe: recipe, parameters: parameters)
            let plan = TrainingPlan(steps: 2, tokensPerBatch: request.tokensPerBatch)
            var trial = HeadTraining(trainer, lengths: data.texts.map(\.tokens), plan: plan)
            var last = 0.0
            // The first step also warms caches up.
            for _ in 0..<2 {
                let start = ContinuousClock.now
                _ = try trial.step(load: { try data.text($0) }, map: { compute.map($0, $1) })
                last = start.duration(to: .now).inMilliseconds / 1000
            }
            return last
        }
        // A tenth of the time is for measurements.
        let fitting = TrainingPlan.steps(
            fitting: minutes * 60 * 0.9,
            once: try seconds(1),
            severalTimes: try seconds(request.selfFeeding)
        )
        return min(wanted, fitting)
    }

    private static func record(at path: String) throws -> TrainingRecord? {
        guard let bytes = try OutputFile.contentsIfPresent(path, "the record of the training") else { return nil }
        return try resumable { () throws(TrainingRecordError) in try TrainingRecord(encoded: bytes) }
    }

    /// Gives an error about the record its way out on the command line.
    private static func resumable<Value, Failure: Error & CustomStringConvertible>(
        _ body: () throws(Failure) -> Value
    ) throws(ValidationError) -> Value {
        do throws(Failure) {
            return try body()
        } catch {
            throw ValidationError("--resume is impossible: \(error.description)")
        }
    }
}

extension TrainingRecord {
    /// How long the training was to be.
    fileprivate var steps: Int? { settings.first { $0.name == "steps" }.flatMap { Int($0.value) } }
}

extension EagleTrainingRun.Request {
    /// The file beside the head that an interrupted training goes on from.
    var recordPath: String { output + ".record" }

    /// All that decides what comes out.
    fileprivate func settings(
        _ target: HeadTarget,
        _ data: CapturedTexts,
        steps: Int
    ) -> [TrainingRecord.Setting] {
        [
            .init("target", target.fingerprint),
            .init("data", data.reader.header.fingerprint),
            .init("texts", "\(data.texts.count)"),
            .init("tokens", "\(data.texts.reduce(0) { $0 + $1.tokens })"),
            .init("steps", "\(steps)"),
            .init("--seed", "\(seed)"),
            .init("--draft-vocab", "\(draftTokens)"),
            .init("--hidden", hidden.map { "\($0)" } ?? "default"),
            .init("--copy-layer", "\(copiesLayer)"),
            .init("--learning-rate", "\(learningRate)"),
            .init("--batch-tokens", "\(tokensPerBatch)"),
            .init("--self-feeding", "\(selfFeeding)"),
        ]
    }
}
