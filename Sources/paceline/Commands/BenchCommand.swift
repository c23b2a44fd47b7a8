import ArgumentParser

/// `paceline bench`: measurements of the engine, drafting, the cluster and a server under load.
struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure the engine, drafting, the cluster, or a server under load.",
        discussion: """
            Each command takes all its figures in one interleaved run, so that ratios stay valid on a shared machine.

              paceline bench engine -m smollm2-135m
              paceline bench methods -m qwen2.5-coder-1.5b -md qwen2.5-coder-0.5b --prompts prompts.jsonl
              paceline bench serve --url http://127.0.0.1:8080 --rate 4 --duration 60s
            """,
        subcommands: [
            BenchEngineCommand.self, BenchMethodsCommand.self, BenchClusterCommand.self, BenchServeCommand.self,
        ]
    )
}
