import ArgumentParser
import Logging
import PacelineCluster
import PacelineModel
import PacelineServer
import PacelineSpeculation
import PacelineTensor

/// `paceline generate`: the whole system in one command.
struct GenerateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate",
        abstract: "Generate text with a verifier and workers that run on this machine until it is done.",
        discussion: """
            The verifier and each worker are separate processes, connected over loopback. The text depends only on the \
            model, the prompt, the sampling options and the seed: --workers 0 and --workers 3 print the same.

              paceline generate -m smollm2-135m -p "Once upon a time" -n 64
              paceline generate -m qwen2.5-coder-1.5b -md qwen2.5-coder-0.5b -f code.py
              paceline generate -m smollm2-135m -p "Hi" --chat --temp 0.8 --seed 7 --json
              paceline generate -m smollm2-135m -p "Describe Paris as JSON." --chat --json-schema place.json
            """
    )

    @OptionGroup(title: "Model") var model: ModelOptions
    @OptionGroup(title: "Prompt") var prompt: PromptOptions
    @OptionGroup(title: "Sampling") var sampling: SamplingOptions
    @OptionGroup(title: "Structured output") var constraint: ConstraintOptions
    @OptionGroup(title: "Ending") var ending: EndingOptions
    @OptionGroup(title: "Drafting") var drafting: DraftingOptions

    @Option(
        name: [.customShort("n"), .customLong("max-tokens")],
        parsing: .unconditional,
        help: ArgumentHelp("Most tokens to generate, 1 to 16777216.", valueName: "count")
    )
    var maxTokens = 128

    @OptionGroup var context: ContextOptions
    @OptionGroup var cache: CacheOptions
    @OptionGroup var threads: ThreadOptions
    @OptionGroup var log: LogOptions

    @Flag(help: "Print one JSON object instead of the text.")
    var json = false

    func validate() throws {
        try validateRange(maxTokens, 1...(1 << 24), "--max-tokens")
    }

    func run() async throws {
        log.bootstrap(.warning)
        ThreadOptions.warnIfTooMany([("--threads", threads.threads), ("--threads-draft", drafting.threads)])
        try await Termination.run(isService: false) { try await generate() }
    }

    private func generate() async throws {
        let target = try prompt.template.open(model.path())
        let limit = try context.length(for: target.configuration)
        try checkMemory(target, contextLength: limit)
        let names = try drafting.names()
        try checkVocabularies(of: names, target.tokenizer)
        let tokens = try prompt.tokens(for: target)
        guard tokens.count < limit else { throw RequestFault.promptTooLong(tokens: tokens.count, context: limit) }
        var request = CompletionRequest(prompt: .tokens(tokens))
        request.maxTokens = maxTokens
        sampling.apply(to: &request)
        try constraint.apply(to: &request)
        ending.apply(to: &request)
        let arguments = try arguments(names: names, contextLength: limit)
        let (json, asked) = (json, request)
        try await LocalCluster.run(arguments) { cluster in
            var generation = Generation(showsText: !json)
            try await cluster.client.stream(asked) { try generation.take($0) }
            let report = try generation.report(loadMS: cluster.loadMS)
            try json ? StandardOutput.json(report) : StandardError.write(report.summary)
        }
    }

    /// Throws if the target would not fit in memory, before any process starts.
    private func checkMemory(_ model: ModelFile, contextLength: Int) throws {
        try TransformerEngine.demand(
            of: model,
            contextLength: contextLength,
            sequences: 1,
            cacheType: cache.type
        ).check(available: SystemMemory.available())
    }

    /// Throws for a drafter that the verifier would refuse, before any process starts.
    private func checkVocabularies(of names: [DrafterName], _ target: Tokenizer) throws {
        for path in Set(names.compactMap(\.vocabularyPath)) where path != target.path {
            try target.requireSameVocabulary(asDrafter: ModelFile(path: path).tokenizer)
        }
        try names.requireDatastores(for: target)
    }

    private func arguments(names: [DrafterName], contextLength: Int) throws -> LocalCluster.Arguments {
        let label = ModelNames.label(model.model)
        let level = ["--log-level", log.level(or: .warning).rawValue]
        let cache = ["-c", "\(contextLength)", "--kv-type", cache.type.rawValue]
        let verifier = ["-m", model.model, "-np", "1", "-t", "\(threads.count)"] + cache + level
        let workers = drafting.assignment.enumerated().map { index, drafters in
            let drafterArguments =
                drafters.flatMap { ["-md", $0] } + drafting.drafters.vocabularyArguments + drafting.planning.arguments
            let label = "worker \(index + 1) (\(drafters.map(ModelNames.label).joined(separator: "+")))"
            return (label, drafterArguments + ["-t", "\(drafting.threads)", "--slots", "1"] + level)
        }
        return LocalCluster.Arguments(verifier: verifier, workers: workers, targetLabel: label)
    }
}
