import ArgumentParser

/// `paceline bench`: measurements of the engine, drafting and the cluster.
struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure the engine, drafting and the cluster.",
        discussion: """
            Each command takes all its figures in one interleaved run, so that ratios stay valid on a shared machine.

              paceline bench engine -m smollm2-135m
              paceline bench acceptance -m qwen2.5-coder-1.5b -md qwen2.5-coder-0.5b --prompts prompts.jsonl
            """,
        subcommands: [BenchEngineCommand.self, BenchAcceptanceCommand.self, BenchClusterCommand.self]
    )
}
