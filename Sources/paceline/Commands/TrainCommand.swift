import ArgumentParser
import PacelineModel
import PacelineSpeculation
import PacelineTensor
import PacelineTraining

/// `paceline train`: heads that draft for a target.
struct TrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Train a draft head for a model, on this machine's CPU.",
        discussion: """
            A head is one small layer that reads the target's features, and drafts at a few hundredths of the cost of \
            a target's pass. It is trained on what paceline capture has written:

              paceline capture -m smollm2-135m -o smollm2.capture
              paceline train eagle -m smollm2-135m --data smollm2.capture -o smollm2.head.gguf --max-minutes 30
              paceline verifier -m smollm2-135m -md head:smollm2.head.gguf
            """,
        subcommands: [TrainEagleCommand.self]
    )
}

/// `paceline train eagle`
struct TrainEagleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "eagle",
        abstract: "Train an EAGLE head, which guesses the target's next feature and drafts on with its own guesses.",
        discussion: """
            Every twentieth text is not trained on but measured with: the head drafts chains of 4 as it would for a \
            request, and the number of tokens a round decides which head is kept. The output always holds the best \
            one so far. Beside it, OUTPUT.record keeps where the training is; with --resume the same command goes on \
            from there. With the same options, data and machine the head is the same, bit for bit, whatever the \
            number of threads; with --max-minutes the number of steps depends on the machine's speed.
            """
    )

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
        parsing: .unconditional,
        help: ArgumentHelp(
            "Width of the head's feed-forward block, 16 to 65536 (default: the target's, but at most twice the width "
                + "of its embeddings or 1536).",
            valueName: "width"
        )
    )
    var hidden: Int?

    @Flag(
        inversion: .prefixedNo,
        help: "Begin with the target's last layer where the shapes agree, not with random numbers."
    )
    var copyLayer = true

    @Option(
        name: .customLong("learning-rate"),
        parsing: .unconditional,
        help: ArgumentHelp(
            "The largest learning rate, above 0 and at most 1 (default: 5e-4, 3e-4 for targets wider than 768).",
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
        name: .customLong("self-feeding"),
        parsing: .unconditional,
        help: ArgumentHelp(
            "How often the head runs on a batch in the second half, then on its own guesses (HASS), 1 to 8.",
            valueName: "runs"
        )
    )
    var selfFeeding = 3

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
        try validateRange(hidden, 16...65_536, "--hidden")
        try validateRange(learningRate, 1e-12...1, "--learning-rate")
        try validateRange(batchTokens, 64...1_000_000, "--batch-tokens")
        try validateRange(selfFeeding, 1...8, "--self-feeding")
        try validateRange(patience, 1...1000, "--patience")
    }

    func run() async throws {
        threads.warnIfTooMany()
        try await Termination.run(isService: false) {
            try await StoppableWork.run { isStopped in try train(isStopped) }
        }
    }

    private func train(_ isStopped: () -> Bool) throws {
        var run = try makeRun()
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

    private func makeRun() throws -> EagleTrainingRun {
        if OutputFile.isSame(data, output) {
            throw ValidationError("\(data) is both the data and the output; write the head to another file")
        }
        let file = try ModelFile(path: model.path())
        try OpenBLAS.load()
        let target = HeadTarget(file, name: ModelNames.label(model.model))
        let line = ProgressLine("reading \(data)")
        defer { line.clear() }
        let texts = try CapturedTexts(path: data, for: target, progress: line.update)
        return try EagleTrainingRun(
            request(file),
            model: file,
            target: target,
            data: texts,
            compute: Compute(threads: threads.count)
        )
    }

    private func request(_ file: ModelFile) -> EagleTrainingRun.Request {
        EagleTrainingRun.Request(
            output: output,
            draftTokens: draftVocabulary,
            hidden: hidden,
            copiesLayer: copyLayer,
            epochs: epochs,
            minutes: maxMinutes,
            seed: seed,
            learningRate: learningRate ?? (file.configuration.embeddingLength > 768 ? 3e-4 : 5e-4),
            tokensPerBatch: batchTokens,
            selfFeeding: selfFeeding,
            patience: patience,
            resumes: resume
        )
    }
}
