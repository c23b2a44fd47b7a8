import ArgumentParser
import PacelineModel
import PacelineSpeculation
import PacelineTensor
import PacelineTraining

/// Trains a head: steps, measurements between them, and files.
struct HeadTrainingRun<Design: HeadDesign> {
    /// Rounds of chains of a measurement.
    private static var rounds: Int { 400 }
    private static var chain: DraftGrowth { .chain(4) }
    private static var measurements: Int { 20 }

    private let design: Design
    private let request: TrainingRequest
    private let data: CapturedTexts
    private let target: HeadTarget
    private let vocabulary: TargetVocabulary
    private let compute: Compute
    private let settings: [TrainingRecord.Setting]
    private let start = ContinuousClock.now
    private var training: HeadTraining<Design.Head>
    private(set) var report: TrainingReport

    /// Makes the head, measures how fast steps are if the time is limited, and reads the record if it is to go on.
    ///
    /// - Throws: `ValidationError` for a record that does not fit, and the errors of data and weights.
    init(
        _ design: Design,
        _ request: TrainingRequest,
        model: ModelFile,
        target: HeadTarget,
        data: CapturedTexts,
        compute: Compute
    ) throws {
        (self.design, self.request) = (design, request)
        (self.data, self.target, self.compute) = (data, target, compute)
        let tokens = try request.draftVocabulary(model, data.survey)
        let head = try design.makeHead(
            for: model,
            FrozenVocabulary(model, tokens, tokens: data.survey.tokens),
            featureScale: data.survey.featureScale
        )
        vocabulary = try TargetVocabulary(model, tokens: tokens, compute: compute)
        let record = try request.resumes ? Self.record(at: request.recordPath) : nil
        let first = design.firstParameters(of: head, seed: request.seed, from: model)
        let steps = try record?.steps ?? Self.steps(request, head, first, data, compute)
        let settings = request.settings(design, target, data, steps: steps)
        self.settings = settings
        if let record { try Self.resumable { () throws(TrainingRecordError) in try record.check(settings) } }
        var state = TrainingState(parameters: first)
        if let record {
            state = try Self.resumable { () throws(CheckpointError) in
                try TrainingState(checkpoint: record.checkpoint, head.layout)
            }
        }
        training = HeadTraining(
            try HeadTrainer(head, recipe: request.recipe(steps: steps), state: state),
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

    /// A head with these parameters, which has drafted nothing.
    private func draft(_ parameters: [Float]) throws -> any FeatureDraft {
        let network = design.network(of: training.trainer.head)
        return try DraftHead(network, parameters, vocabulary, taps: target.taps, compute: compute).draft
    }

    /// Measures the head by the real drafting loop, writes it if it is the best one, and records where the training is.
    private mutating func measure(loss: Double) throws {
        let parameters = training.trainer.state.parameters
        var chains = AcceptanceMeasure(Self.chain)
        try chains.add(data.heldOut, draft(parameters), rounds: Self.rounds)
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
                network: design.network(of: training.trainer.head),
                parameters: parameters,
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
        let file = try HeadFile(path: request.output)
        // Nobody should have put another head there.
        let isOwn = file.network == design.network(of: training.trainer.head) && file.vocabulary == vocabulary.tokens
        guard isOwn else { return }
        let draft = try draft(file.parameters)
        var (chains, trees) = (AcceptanceMeasure(Self.chain), AcceptanceMeasure(.init(nodes: 16, depth: 5, width: 4)))
        try chains.add(data.heldOut, draft, rounds: 2 * Self.rounds)
        try trees.add(data.heldOut, draft, rounds: Self.rounds)
        report.chain = .init(chains)
        report.tree = .init(trees)
    }
}

// MARK: Preparing

extension HeadTrainingRun {
    /// How many steps there are to be: some passes over the data, but no more than fit into the time.
    private static func steps(
        _ request: TrainingRequest,
        _ head: Design.Head,
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
        let once = try seconds(1)
        // A tenth of the time is for measurements.
        let fitting = TrainingPlan.steps(
            fitting: minutes * 60 * 0.9,
            once: once,
            severalTimes: try request.selfFeeding.map(seconds) ?? once
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
