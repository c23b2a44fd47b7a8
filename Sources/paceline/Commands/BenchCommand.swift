import ArgumentParser

/// `paceline bench`: measurements, each with its limit.
struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure the engine, drafting and the cluster.",
        discussion: """
            All figures of one command come from one run, interleaved, so that ratios hold on a machine with neighbours.

              paceline bench engine -m smollm2-135m
              paceline bench acceptance -m qwen2.5-coder-1.5b -md qwen2.5-coder-0.5b --prompts prompts.jsonl
            """,
        subcommands: [BenchEngineCommand.self, BenchAcceptanceCommand.self, BenchClusterCommand.self]
    )
}
