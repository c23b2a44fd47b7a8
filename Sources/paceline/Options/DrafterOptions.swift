import ArgumentParser
import PacelineCluster
import PacelineModel

/// What drafts.
struct DrafterOptions: ParsableArguments {
    @Option(
        name: [.customLong("md", withSingleDash: true), .customLong("model-draft")],
        parsing: .singleValue,
        help: ArgumentHelp(
            "A drafter: a GGUF file or short name with the target's vocabulary, or without a model ngram (prompt "
                + "lookup), suffix, or random or liar (for testing faults). May repeat.",
            valueName: "draft"
        )
    )
    var drafters: [String] = []

    @Option(
        name: .customLong("draft-vocab"),
        parsing: .unconditional,
        help: ArgumentHelp(
            """
            Model drafters score only the first so many token ids and the special tokens, which makes them faster; \
            other tokens are never drafted. Without it, or beyond the vocabulary, all. With Qwen2.5's 152,000 tokens, \
            32768 makes a drafted token 30 % cheaper and what is accepted 12 % shorter: it pays where drafting is what \
            others wait for.
            """,
            valueName: "count"
        )
    )
    var vocabulary: Int?

    func validate() throws {
        if let vocabulary, vocabulary < 1 {
            throw ValidationError(
                "--draft-vocab must be at least 1, not \(vocabulary); leave it out to score all tokens"
            )
        }
        guard drafters.count <= 16 else { throw ValidationError("at most 16 drafters can be named with -md") }
    }

    /// What hands ``vocabulary`` on to a worker's command line.
    var vocabularyArguments: [String] { vocabulary.map { ["--draft-vocab", "\($0)"] } ?? [] }

    /// The drafters by name; throws for a model that is not there.
    func names(or fallback: [String] = []) throws -> [DrafterName] {
        try (drafters.isEmpty ? fallback : drafters).map { name in
            try DrafterName(name, catalog: .fromEnvironment())
        }
    }
}
