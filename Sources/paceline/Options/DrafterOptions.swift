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

    func validate() throws {
        guard drafters.count <= 16 else { throw ValidationError("at most 16 drafters can be named with -md") }
    }

    /// The drafters by name; throws for a model that is not there.
    func names(or fallback: [String] = []) throws -> [DrafterName] {
        try (drafters.isEmpty ? fallback : drafters).map { name in
            try DrafterName(name, catalog: .fromEnvironment())
        }
    }
}
