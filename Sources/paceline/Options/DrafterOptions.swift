import ArgumentParser
import PacelineCluster
import PacelineModel

/// What drafts.
struct DrafterOptions: ParsableArguments {
    @Option(
        name: [.customLong("md", withSingleDash: true), .customLong("model-draft")],
        parsing: .singleValue,
        help: ArgumentHelp(
            "A drafter: a model (GGUF file or short name) with the target's vocabulary, or without a model ngram "
                + "(prompt lookup) or suffix, or for fault tests random or liar. May be repeated.",
            valueName: "draft"
        )
    )
    var drafters: [String] = []

    @Option(
        name: .customLong("draft-vocab"),
        parsing: .unconditional,
        help: ArgumentHelp(
            """
            How many token ids, from 0 up, model drafters score besides the special tokens (default: all). Fewer are \
            faster, but other tokens are never drafted. With Qwen2.5's 152,000 tokens, 32768 makes a drafted token \
            30 % cheaper and the accepted length 12 % shorter, which pays where drafting is the bottleneck.
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
        guard drafters.count <= 16 else {
            throw ValidationError("-md may name at most 16 drafters, not \(drafters.count)")
        }
    }

    /// The arguments that pass ``vocabulary`` on to a worker.
    var vocabularyArguments: [String] { vocabulary.map { ["--draft-vocab", "\($0)"] } ?? [] }

    /// The drafters by name; throws if a model does not exist.
    func names(or fallback: [String] = []) throws -> [DrafterName] {
        try (drafters.isEmpty ? fallback : drafters).map { name in
            try DrafterName(name, catalog: .fromEnvironment())
        }
    }
}
