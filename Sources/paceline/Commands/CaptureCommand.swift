import ArgumentParser
import PacelineModel
import PacelineSpeculation
import PacelineTensor
import PacelineTraining

/// `paceline capture`: what heads are trained on.
struct CaptureCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "capture",
        abstract: "Let a model answer prompts, and keep what it thought: the data that draft heads are trained on.",
        discussion: """
            A head drafts from the target's features, so it is trained on those of the very file that is served. For \
            each prompt, the file gets the tokens of prompt and greedy answer, the features of every token (float16), \
            and the eight most probable tokens at each place of the answer. A token of a model that is 576 wide takes \
            1.2 kB.

              paceline capture -m smollm2-135m --prompts prompts.jsonl -o smollm2.capture
              paceline capture -m smollm2-135m --tokens 500000 -o smollm2.capture
              paceline capture -m qwen2.5-coder-1.5b --prompts code.jsonl --taps 2,14,25 -o code.capture

            Prompts come from a JSON Lines file in Spec-Bench's format, {"category": …, "turns": [text, …]}, of which \
            the first turn counts, or as {"prompt": text}. Without a file the model writes them: it continues the \
            user's turn of its own chat template at temperature 1 (Magpie, arXiv 2406.08464).

            A capture may be stopped at any time, also by Ctrl-C. The same command goes on where it stopped; a larger \
            --tokens extends a file. The file depends neither on --sequences and --threads nor on interruptions.
            """
    )

    /// How much is captured without prompts and without `--tokens`.
    private static let defaultTokens = 250_000
    /// The most tokens of a sequence without `--context`. Heads are trained on short sequences.
    private static let defaultContext = 2048

    @OptionGroup(title: "Model") var model: ModelOptions

    @Option(help: ArgumentHelp("JSON Lines file with the prompts (default: the model writes them).", valueName: "file"))
    var prompts: String?

    @Option(
        name: .customLong("chat-format"),
        help: ArgumentHelp(
            "How prompts are wrapped as a user's message: in the model's own format, that of a family, or not at all.",
            valueName: "format"
        )
    )
    var format = PromptFormat.model

    @Option(
        name: [.customShort("n"), .customLong("max-tokens")],
        help: ArgumentHelp("Most tokens of an answer, 1 to 65536.", valueName: "count")
    )
    var maxTokens = 256

    @Option(
        help: ArgumentHelp(
            "Stop when the file has this many tokens of answers "
                + "(default: all prompts; \(defaultTokens) where the model writes them).",
            valueName: "total"
        )
    )
    var tokens: Int?

    @Option(
        help: ArgumentHelp(
            "Where features are read: normed (after the final norm, for EAGLE and Medusa), last (before it, for MTP), "
                + "or the inputs of layers, from 0 on (for EAGLE-3).",
            valueName: "normed|last|2,15,…"
        )
    )
    var taps = TapList([.normedOutput])

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Seed of the prompts that the model writes.", valueName: "seed")
    )
    var seed: UInt64 = 0

    @Option(name: [.customShort("o"), .customLong("output")], help: ArgumentHelp("The file.", valueName: "file"))
    var output: String

    @Option(
        help: ArgumentHelp("Sequences to write together, 1 to 64. More are faster and take memory.", valueName: "count")
    )
    var sequences = 16

    @Option(
        name: [.customShort("c"), .customLong("context")],
        parsing: .unconditional,
        help: ArgumentHelp(
            "Most tokens of a prompt with its answer (default: the model's limit, at most \(defaultContext)); "
                + "longer prompts are left out.",
            valueName: "tokens"
        )
    )
    var context: Int?

    @OptionGroup var cache: CacheOptions
    @OptionGroup var threads: ThreadOptions

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        try validateRange(maxTokens, 1...65_536, "--max-tokens")
        try validateRange(tokens, 1...(1 << 40), "--tokens")
        try validateRange(sequences, 1...64, "--sequences")
        try validateRange(context, 2...(1 << 20), "--context")
        guard prompts == nil || seed == 0 else {
            throw ValidationError("--seed is for prompts that the model writes; leave it out, or --prompts")
        }
    }

    func run() async throws {
        threads.warnIfTooMany()
        try await Termination.run(isService: false) {
            try await StoppableWork.run { isStopped in try capture(isStopped) }
        }
    }

    private func capture(_ isStopped: () -> Bool) throws {
        var run = try makeRun(ModelFile(path: model.path()))
        let start = ContinuousClock.now
        let (line, left) = (ProgressLine("capturing"), TimeLeft())
        defer { line.clear() }
        try run.run(isStopped: isStopped) { share, figures in
            line.update(share, step: "\(left.text(share)) \(figures.answerTokens) tokens")
        }
        line.clear()
        guard run.figures.isFinished else {
            return StandardError.sentence(
                "stopped; \(output) keeps \(run.figures.sequences) sequences, and the same command goes on from there"
            )
        }
        let report = CaptureReport(
            run.figures,
            model: ModelNames.label(model.model),
            file: output,
            taps: "\(taps)",
            seconds: start.duration(to: .now).inMilliseconds / 1000
        )
        try json ? StandardOutput.json(report) : StandardOutput.write(report.text)
    }

    // MARK: Preparing

    /// Checks all that can be wrong before it touches the output, and loads the model last.
    private func makeRun(_ file: ModelFile) throws -> CaptureRun {
        _ = try FeatureRows(taps: taps.taps, of: file.configuration)
        let contextLength = try contextLength(file.configuration)
        let questions = try questions(file, contextLength)
        // The kernels that it chooses are a part of the header.
        if file.multipliesWithOpenBLAS { try OpenBLAS.load() }
        let header = header(file, questions)
        try GenerationBatch.demand(
            of: file,
            sequences: sequences,
            contextLength: contextLength,
            cacheType: cache.type
        ).check(available: SystemMemory.available())
        let resumed = try CaptureFile.resumed(output, header)
        return CaptureRun(
            header: header,
            questions: questions,
            batch: try batch(file, contextLength),
            resumed: resumed,
            total: total,
            sequences: sequences
        )
    }

    /// How much is enough; nil for all prompts.
    private var total: Int? { tokens ?? (prompts == nil ? Self.defaultTokens : nil) }

    private func contextLength(_ configuration: ModelConfiguration) throws -> Int {
        let longest = configuration.contextLength
        guard context ?? 0 <= longest else { throw ContextTooLong(asked: context ?? 0, longest: longest) }
        let length = context ?? min(longest, Self.defaultContext)
        guard maxTokens < length else {
            throw ValidationError(
                "--max-tokens \(maxTokens) leaves no room for a prompt in a context of \(length) tokens; "
                    + "use a smaller number, or a larger --context"
            )
        }
        return length
    }

    private func questions(_ file: ModelFile, _ contextLength: Int) throws -> CaptureQuestions {
        guard let prompts else {
            return CaptureQuestions(
                own: try OwnPrompts(file, format: format, seed: seed),
                limit: maxTokens,
                contextLength: contextLength,
                tokenizer: file.tokenizer
            )
        }
        let texts = try BenchPrompt.read(file: prompts).map(\.text)
        guard !texts.isEmpty else { throw ValidationError("\(prompts) has no prompts; write one on each line") }
        return CaptureQuestions(
            prompts: try format.tokens(of: texts, for: file),
            limit: maxTokens,
            contextLength: contextLength,
            tokenizer: file.tokenizer
        )
    }

    private func header(_ file: ModelFile, _ questions: CaptureQuestions) -> CaptureHeader {
        CaptureHeader(
            model: ModelNames.label(model.model),
            fingerprint: file.fingerprint(numerics: file.numerics(cacheType: cache.type)),
            tokenizerHash: file.tokenizer.fingerprint.bytes,
            vocabularySize: file.tokenizer.tokenCount,
            width: file.configuration.embeddingLength,
            taps: taps.taps,
            source: questions.description
        )
    }

    private func batch(_ file: ModelFile, _ contextLength: Int) throws -> GenerationBatch {
        let line = ProgressLine("loading \(ModelNames.label(model.model))")
        defer { line.clear() }
        let compute = try Compute(threads: threads.count)
        let model = try LanguageModel(file, compute: compute, cacheType: cache.type, progress: line.update)
        return try GenerationBatch(
            transformer: model.transformer,
            taps: taps.taps,
            topCount: min(8, file.tokenizer.tokenCount),
            sequences: sequences,
            contextLength: contextLength
        )
    }
}
