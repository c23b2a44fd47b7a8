import ArgumentParser

/// What the requests of a load test ask for.
struct LoadPromptOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            JSON Lines file of prompts, used in turn: {"prompt": text}, {"messages": […]} (with --chat), or \
            Spec-Bench's {"turns": [text, …]}, of which the first counts.
            """,
            valueName: "file"
        )
    )
    var dataset: String?

    @Option(
        name: .customLong("prompt-tokens"),
        help: ArgumentHelp(
            """
            Length of synthetic prompts, 1 to 1000000 (default: 128 without --dataset). All are different. The \
            server's /tokenize and /detokenize tell which words are one token.
            """,
            valueName: "count"
        )
    )
    var promptTokens: Int?

    @Option(
        name: [.customShort("n"), .customLong("max-tokens")],
        help: ArgumentHelp("Most tokens of each answer, 1 to 1000000.", valueName: "count")
    )
    var maxTokens = 128

    @Flag(
        name: .customLong("ignore-eos"),
        inversion: .prefixedNo,
        help: "Let answers run to --max-tokens even if the model would end them (default: with synthetic prompts)."
    )
    var ignoresEnd: Bool?

    @Option(
        name: [.customLong("temp"), .customLong("temperature")],
        help: ArgumentHelp("Sampling temperature, 0 to 100.", valueName: "T")
    )
    var temperature = 0.0

    @Option(
        help: ArgumentHelp(
            """
            Seed of the schedule, the synthetic prompts and the sampling (default: random, so that no server knows the \
            prompts of an earlier test); the report names it.
            """,
            valueName: "number"
        )
    )
    var seed: UInt64?

    func validate() throws {
        guard dataset == nil || promptTokens == nil else {
            throw ValidationError("give --dataset or --prompt-tokens, and not both")
        }
        try validateRange(promptTokens, 1...1_000_000, "--prompt-tokens")
        try validateRange(maxTokens, 1...1_000_000, "--max-tokens")
        try validateRange(temperature, 0...100, "--temp")
    }

    /// What the report says about them.
    var description: String {
        dataset.map { "the prompts of \($0)" } ?? "prompts of \(promptTokens ?? 128) tokens"
    }

    /// - Throws: ``LoadError``, ``PromptFileError``, `ValidationError`.
    func prompts(client: LoadClient, seed: UInt64) async throws -> LoadPrompts {
        if let dataset { return try .dataset(at: dataset, api: client.target.api) }
        return try await .synthetic(tokens: promptTokens ?? 128, seed: seed, client: client)
    }
}
