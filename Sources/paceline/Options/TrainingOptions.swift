import ArgumentParser
import PacelineModel
import PacelineTensor
import PacelineTraining

/// What all trainings take, and the training itself.
struct TrainingOptions: ParsableArguments {
    @OptionGroup(title: "Model") var model: ModelOptions

    @Option(help: ArgumentHelp("What paceline capture has written.", valueName: "file"))
    var data: String

    @Option(name: [.customShort("o"), .customLong("output")], help: ArgumentHelp("The head.", valueName: "file"))
    var output: String

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Passes over the data, above 0 and at most 1000.", valueName: "count")
    )
    var epochs = 3.0

    @Option(
        name: .customLong("max-minutes"),
        parsing: .unconditional,
        help: ArgumentHelp("Make as many steps as fit into this time (default: all of --epochs).", valueName: "minutes")
    )
    var maxMinutes: Double?

    @Option(parsing: .unconditional, help: ArgumentHelp("Seed of all that is random.", valueName: "seed"))
    var seed: UInt64 = 0

    @Option(
        name: .customLong("draft-vocab"),
        parsing: .unconditional,
        help: ArgumentHelp("Draft this many of the target's most frequent tokens, 16 to 1000000.", valueName: "count")
    )
    var draftVocabulary = 8192

    @Option(
        name: .customLong("learning-rate"),
        parsing: .unconditional,
        help: ArgumentHelp(
            "The largest learning rate, above 0 and at most 1 (default: 5e-4, for Medusa 1e-3; six tenths of that for "
                + "targets wider than 768).",
            valueName: "rate"
        )
    )
    var learningRate: Double?

    @Option(
        name: .customLong("batch-tokens"),
        parsing: .unconditional,
        help: ArgumentHelp("Tokens of a step, 64 to 1000000.", valueName: "count")
    )
    var batchTokens = 2048

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "End after so many measurements of the second half without a better one, 1 to 1000.",
            valueName: "count"
        )
    )
    var patience = 6

    @Flag(help: "Go on with a training that was stopped.")
    var resume = false

    @OptionGroup var threads: ThreadOptions

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        try validateRange(epochs, 1e-6...1000, "--epochs")
        try validateRange(maxMinutes, 1e-6...1_000_000, "--max-minutes")
        try validateRange(draftVocabulary, 16...1_000_000, "--draft-vocab")
        try validateRange(learningRate, 1e-12...1, "--learning-rate")
        try validateRange(batchTokens, 64...1_000_000, "--batch-tokens")
        try validateRange(patience, 1...1000, "--patience")
    }

    /// Trains a head as a user sees it: with progress, until it ends or is stopped.
    func run(_ design: some HeadDesign, selfFeeding: Int? = nil) async throws {
        threads.warnIfTooMany()
        try await Termination.run(isService: false) {
            try await StoppableWork.run { isStopped in try train(design, selfFeeding: selfFeeding, isStopped) }
        }
    }

    private func train(_ design: some HeadDesign, selfFeeding: Int?, _ isStopped: () -> Bool) throws {
        var run = try makeRun(design, selfFeeding: selfFeeding)
        let (line, left) = (ProgressLine("training"), TimeLeft())
        defer { line.clear() }
        var shown = run.report.measurements.count
        try run.run(isStopped: isStopped) { share, last in
            let latest = last.map { "\($0.acceptance.formatted(decimals: 2)) tokens a round" } ?? ""
            line.update(share, step: "\(left.text(share)) \(latest)")
        }
        shown = run.report.measurements.count - shown
        line.clear()
        guard run.report.isFinished else {
            return StandardError.sentence(
                "stopped after \(shown) measurements; \(output) is the best head so far, and the same command with "
                    + "--resume goes on"
            )
        }
        try json ? StandardOutput.json(run.report) : StandardOutput.write(run.report.text)
    }

    private func makeRun<Design: HeadDesign>(
        _ design: Design,
        selfFeeding: Int?
    ) throws -> HeadTrainingRun<Design> {
        if OutputFile.isSame(data, output) {
            throw ValidationError("\(data) is both the data and the output; write the head to another file")
        }
        let file = try ModelFile(path: model.path())
        try OpenBLAS.load()
        let target = HeadTarget(file, name: ModelNames.label(model.model))
        let line = ProgressLine("reading \(data)")
        defer { line.clear() }
        let texts = try CapturedTexts(path: data, for: target, progress: line.update)
        return try HeadTrainingRun(
            design,
            request(selfFeeding, rate: design.learningRate(width: target.width)),
            model: file,
            target: target,
            data: texts,
            compute: Compute(threads: threads.count)
        )
    }

    private func request(_ selfFeeding: Int?, rate: Double) -> TrainingRequest {
        TrainingRequest(
            output: output,
            draftTokens: draftVocabulary,
            epochs: epochs,
            minutes: maxMinutes,
            seed: seed,
            learningRate: learningRate ?? rate,
            tokensPerBatch: batchTokens,
            selfFeeding: selfFeeding,
            patience: patience,
            resumes: resume
        )
    }
}
