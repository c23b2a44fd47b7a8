import ArgumentParser
import PacelineCluster
import PacelineModel
import PacelineSpeculation
import PacelineTensor

/// `paceline bench methods`: every method of drafting on a real model, in one process.
struct BenchMethodsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "methods",
        abstract: "Compare methods of drafting on a model: tokens a pass, acceptance and speed.",
        discussion: """
            The target generates the text of each prompt once; then only the drafters run, against that text. Tokens \
            do not depend on drafts, so all counts are those of a live run, and need no quiet machine. With --live the \
            target runs too, with plain decoding and all methods in turn, for times and speed-ups.

              paceline bench methods -m smollm2-135m --prompts prompts.jsonl
              paceline bench methods -m smollm2-135m -md ngram -md suffix+ngram --prompts prompts.jsonl \
            --sampling greedy --sampling temp=0.8 --plot methods.svg
              paceline bench methods -m smollm2-135m -md ngram --planner best-first,chain:length=5,eagle-2 \
            --prompts prompts.jsonl
              paceline bench methods -m smollm2-135m -md smollm2-135m --draft-vocab 4096 --temp 0.8 \
            --acceptance sample-match,leviathan,recursive,block,traversal,typical --prompts prompts.jsonl
              paceline bench methods -m smollm2-135m --prompts prompts.jsonl --live 5 --resume figures.jsonl
              paceline bench methods -m smollm2-135m --prompts mine.jsonl --auto 60s

            Tokens a pass: generated tokens by passes of the target, and every round counts, with a tree or without; \
            what lies beyond the end of a text does not. Mean length is vLLM's, 1 + accepted / drafts, over rounds \
            with a tree. Depth d: how often the target took a child, in %, of the times that it came to a node d - 1 \
            deep with children, and how far single prompts are from that (standard deviation). Wasted: verified nodes \
            that were not accepted. Drafting and verifying: milliseconds a pass; the drafters' reading of the prompt \
            counts, the target's does not. Speed-up: of all prompts together; worst: of the worst prompt.

            Acceptance: with sample-match a text is plain decoding's, token for token, whoever drafts. The other rules \
            are of this command alone; the target runs for them, since their texts differ from plain decoding's by \
            design, and rows marked * have figures of such texts. All but typical, which is lossy, follow the \
            target's distribution. A model that drafts alone tells its own, and its trees are drawn from it. What \
            look-ups, or several drafters together, propose counts as certain (q is 1), which is exact too. At \
            temperature 0 all rules keep plain decoding's text. Chance comes from --seed.

            What drafters learn and remember goes on from prompt to prompt of a category, as in a worker. Prompts \
            come from a JSON Lines file in Spec-Bench's format, {"category": …, "turns": [text, …]}, of which the \
            first turn counts, or as {"prompt": text}.
            """
    )

    @OptionGroup(title: "Model") var model: ModelOptions
    @OptionGroup(title: "Methods") var methods: MethodOptions
    @OptionGroup var variants: VariantOptions
    @OptionGroup(title: "Prompts") var prompts: BenchPromptOptions

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
        help: ArgumentHelp("Most tokens to generate per prompt, 1 to 65536.", valueName: "count")
    )
    var tokens = 128

    @Flag(name: .customLong("ignore-eos"), help: "Continue past the token that ends a text.")
    var ignoresEnd = false

    @OptionGroup(title: "Sampling") var sampling: SamplingOptions

    @Option(
        name: .customLong("sampling"),
        parsing: .singleValue,
        help: ArgumentHelp(
            """
            A way of sampling, greedy or like temp=0.8,top-p=0.95; may be repeated, for a table each. Names are those \
            of the flags above, which give what is not named.
            """,
            valueName: "key=value,…"
        )
    )
    var samplingVariants: [SamplingVariant] = []

    @Option(help: ArgumentHelp("Most nodes to verify per round, 1 to 512.", valueName: "count"))
    var nodes = 16

    @Option(help: ArgumentHelp("Depth limit of a tree, 1 to 32.", valueName: "count"))
    var depth = 8

    @Option(help: ArgumentHelp("Children per expanded node, 1 to 64.", valueName: "count"))
    var width = 3

    @Flag(help: "Only run the drafters, against the target's recorded text (the default).")
    var replay = false

    @Option(
        help: ArgumentHelp(
            "Let the target run with each method so many times, 1 to 100; times are medians.",
            valueName: "count"
        )
    )
    var live: Int?

    @Option(
        help: ArgumentHelp(
            "Try the methods for this long, drop slow ones, and print the command line to use; 1s to 24h.",
            valueName: "duration"
        )
    )
    var auto: DurationArgument?

    @Option(help: ArgumentHelp("Write a JSON line for each round.", valueName: "file"))
    var trace: String?

    @Option(help: ArgumentHelp("Write a plot to this SVG file.", valueName: "file"))
    var plot: String?

    @Option(
        help: ArgumentHelp(
            "Keep what is finished in this file, and go on from what is there.",
            valueName: "file"
        )
    )
    var resume: String?

    @OptionGroup var cache: CacheOptions
    @OptionGroup var threads: ThreadOptions

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        try validateRange(tokens, 1...65_536, "--max-tokens")
        try validateRange(nodes, 1...512, "--nodes")
        try validateRange(depth, 1...32, "--depth")
        try validateRange(width, 1...64, "--width")
        try validateRange(live, 1...100, "--live")
        try validateRange(auto, .init(.seconds(1))...DurationArgument(.seconds(86_400)), "--auto")
        guard !replay || (live == nil && auto == nil) else {
            throw ValidationError("--replay leaves the target out, which \(live == nil ? "--auto" : "--live") needs")
        }
        let others = [("--live", live != nil), ("--trace", trace != nil), ("--plot", plot != nil)]
        for (flag, isGiven) in others + [("--resume", resume != nil)] where auto != nil && isGiven {
            throw ValidationError("--auto only looks for the fastest method; leave \(flag) out")
        }
        guard auto == nil || variants.rules == [.sampleMatch] else {
            throw ValidationError(
                "--auto looks for what to serve with, and a cluster knows sample-match; leave --acceptance out"
            )
        }
        guard auto == nil || samplings.count == 1 else {
            throw ValidationError("--auto takes one way of sampling; give --sampling once")
        }
        for (index, one) in samplings.enumerated() where samplings[..<index].contains(one) {
            throw ValidationError("--sampling gives \(one.label) twice; give each way of sampling once")
        }
    }

    func run() throws {
        threads.warnIfTooMany()
        let selection = try MethodSelection(variants.variants(of: methods.methods()))
        let file = try ModelFile(path: model.path())
        let selected = try prompts.selected()
        let questions = try format.tokens(of: selected.map(\.text), for: file)
        let samplings = try samplings.map { try $0.validated(vocabularySize: file.tokenizer.tokenCount) }
        let settings = settings(zip(selected.map(\.category), questions), file)
        var book = ResumeFile(settings: settings)
        if let resume { book = try ResumeFile(settings: settings, path: resume) }
        let trace = try trace.map { try LineFile("the trace", at: $0) }
        if let plot { try OutputFile.check("the plot", at: plot) }
        let laboratory = try laboratory(selection.methods, file, longest: questions.map(\.count).max() ?? 0)
        if let auto { return try tryOut(laboratory, questions, samplings[0], auto.duration) }
        let setting = MethodComparison.Setting(
            prompts: zip(selected, questions).map { ($0.category, $1) },
            samplings: samplings,
            trials: live ?? 0
        )
        var comparison = MethodComparison(setting, laboratory: laboratory, resume: book, trace: trace)
        let (line, left) = (ProgressLine("comparing"), TimeLeft())
        defer { line.clear() }
        let cells = try comparison.run { line.update($0, step: "\(left.text($0)) \($1)") }
        line.clear()
        let report = MethodsReport(
            model: ModelNames.label(model.model),
            settings: settings,
            cells: cells,
            leftOut: selection.leftOut
        )
        if let plot { try OutputFile.write(MethodsPlot(report).svg, "the plot", to: plot) }
        try json ? StandardOutput.json(report) : StandardOutput.write(report.text)
    }

    private func tryOut(
        _ laboratory: Laboratory,
        _ prompts: [[Token]],
        _ sampling: SamplingParameters,
        _ length: Duration
    ) throws {
        var tryout = MethodTryout(prompts: prompts, sampling: sampling, length: length, laboratory: laboratory)
        let (line, left) = (ProgressLine("trying"), TimeLeft())
        defer { line.clear() }
        let search = try tryout.run { line.update($0, step: "\(left.text($0)) \($1)") }
        line.clear()
        let report = TryoutReport(
            model: model.model,
            sampling: sampling.label,
            tried: laboratory.methods,
            search: search,
            options: methods.draftVocabulary.arguments + ["--kv-type", cache.type.rawValue]
        )
        try json ? StandardOutput.json(report) : StandardOutput.write(report.text)
    }

    /// The ways of sampling, not yet checked against a vocabulary.
    private var samplings: [SamplingParameters] {
        let base = sampling.parameters
        return samplingVariants.isEmpty ? [base] : samplingVariants.map { $0.parameters(on: base) }
    }

    /// What every figure depends on, besides the method, the prompt and the way of sampling.
    private func settings(
        _ prompts: some Sequence<(String, [Token])>,
        _ file: ModelFile
    ) -> [String: String] {
        var hash = FNV1a()
        for (category, tokens) in prompts {
            for byte in category.utf8 { hash.absorb(byte) }
            for token in tokens { withUnsafeBytes(of: token.littleEndian) { $0.forEach { hash.absorb($0) } } }
        }
        return [
            "-m": ModelNames.label(model.model),
            "weights of": "\(file.file.byteCount) bytes",
            "prompts that hash to": String(hash.value, radix: 16),
            "-n": "\(tokens)",
            "--ignore-eos": ignoresEnd ? "set" : "unset",
            "--nodes": "\(nodes)",
            "--depth": "\(depth)",
            "--width": "\(width)",
            "--live": live.map { "\($0)" } ?? "unset",
            "--kv-type": cache.type.rawValue,
            "--draft-vocab": methods.draftVocabulary.count.map { "\($0)" } ?? "unset",
        ]
    }

    /// Loads the target and the drafters.
    private func laboratory(
        _ methods: [Laboratory.Method],
        _ file: ModelFile,
        longest: Int
    ) throws -> Laboratory {
        let names = methods.flatMap(\.drafters)
        for path in Set(names.compactMap(\.vocabularyPath)) where path != file.path {
            try file.tokenizer.requireSameVocabulary(asDrafter: ModelFile(path: path).tokenizer)
        }
        try names.requireDatastores(for: file.tokenizer)
        let context = file.configuration.contextLength
        guard longest + tokens + depth <= context else {
            throw LaboratoryError.promptLength(longest, context: context, tokens: tokens)
        }
        let line = ProgressLine("loading \(ModelNames.label(model.model))")
        defer { line.clear() }
        let target = try LoadedTarget.transformer(
            file,
            threads: threads.count,
            contextLength: longest + tokens + depth,
            cacheType: cache.type,
            sequences: 1,
            progress: line.update
        )
        let roster = try DrafterRoster(
            names,
            draftVocabulary: self.methods.draftVocabulary.count,
            threads: threads.count,
            sequences: 1,
            seed: sampling.seed,
            progress: ComputeProgress()
        )
        return Laboratory(
            target: target,
            roster: roster,
            methods: methods,
            budget: MethodBudget(
                nodes: nodes,
                depth: depth,
                width: width,
                tokens: tokens
            ),
            ends: ignoresEnd ? [] : file.tokenizer.endOfGeneration
        )
    }
}
