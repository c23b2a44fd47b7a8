import ArgumentParser
import Foundation
import PacelineCluster
import PacelineModel
import PacelineSpeculation

/// `paceline bench acceptance`: the share of drafted tokens that a target accepts.
struct BenchAcceptanceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "acceptance",
        abstract: "Measure how many drafted tokens the target accepts.",
        discussion: """
            Drafts and verifies in one process, without a clock: the figures depend only on the models, the prompts \
            and the budget. Mean acceptance length counts the correction: 1 + accepted / rounds. What is learned of \
            the drafters in one prompt, and what they share, serves the next, as in a worker.

            Prompts come from a JSON Lines file in Spec-Bench's format, {"category": …, "turns": [text, …]}. The first \
            turn is wrapped in the model's chat format.
            """
    )

    @OptionGroup var model: ModelOptions

    @OptionGroup var drafting: DrafterOptions

    @Option(help: ArgumentHelp("JSON Lines file with the prompts.", valueName: "file"))
    var prompts: String

    @Option(help: ArgumentHelp("Use only prompts of this category; may be repeated.", valueName: "name"))
    var category: [String] = []

    @Option(help: ArgumentHelp("Use at most this many prompts, 1 to 10000.", valueName: "count"))
    var limit = 10

    @Option(
        name: [.customShort("n"), .customLong("max-tokens")],
        help: ArgumentHelp("Most tokens to generate per prompt, 1 to 65536.", valueName: "count")
    )
    var tokens = 128

    @Option(help: ArgumentHelp("Most nodes to verify per round, 1 to 512.", valueName: "count"))
    var nodes = 16

    @Option(help: ArgumentHelp("Depth limit of a tree, 1 to 32.", valueName: "count"))
    var depth = 8

    @Option(help: ArgumentHelp("Children per expanded node, 1 to 64.", valueName: "count"))
    var width = 3

    @Option(
        name: [.customLong("temp"), .customLong("temperature")],
        help: ArgumentHelp("Sampling temperature, 0 to 100.", valueName: "T")
    )
    var temperature: Float = 0

    @Option(help: ArgumentHelp("Seed of the sampling noise.", valueName: "number"))
    var seed: UInt64 = 0

    @OptionGroup var threads: ThreadOptions

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        try validateRange(limit, 1...10_000, "--limit")
        try validateRange(tokens, 1...65_536, "--max-tokens")
        try validateRange(nodes, 1...512, "--nodes")
        try validateRange(depth, 1...32, "--depth")
        try validateRange(width, 1...64, "--width")
        try validateRange(temperature, 0...100, "--temp")
    }

    func run() throws {
        threads.warnIfTooMany()
        let names = try drafting.names(or: ["ngram"])
        let file = try ModelFile(path: model.path())
        let tokenizer = file.tokenizer
        let chat = try ChatRenderer(file.file, tokenizer: tokenizer)
        let prompts = try selectedPrompts()
        let target = try LoadedTarget.transformer(file, threads: threads.count, sequences: 1)
        for case .model(let path) in names {
            try tokenizer.requireSameVocabulary(asDrafter: ModelFile(path: path).tokenizer)
        }
        try names.requireDatastores(for: tokenizer)
        let roster = try DrafterRoster(
            names,
            draftVocabulary: drafting.vocabulary,
            threads: threads.count,
            sequences: 1,
            seed: seed,
            progress: ComputeProgress()
        )
        var benchmark = AcceptanceBenchmark(
            target: target,
            drafters: roster,
            budget: budget,
            endOfGeneration: tokenizer.endOfGeneration
        )
        let sampling = try SamplingParameters(temperature: temperature, seed: seed).validated()
        let line = ProgressLine("prompts")
        var report = AcceptanceReport(model: ModelNames.label(model.model), drafters: names.map(\.description))
        for (index, prompt) in prompts.enumerated() {
            // A fixed time, so that every run measures the same prompt.
            let conversation = try chat.render([ChatMessage(.user, prompt.text)], time: 0)
            let outcome = try benchmark.run(prompt: tokenizer.encode(conversation), sampling: sampling)
            report.add(prompt.category, outcome)
            line.update(Double(index + 1) / Double(prompts.count))
        }
        line.clear()
        try json ? StandardOutput.json(report) : StandardOutput.write(report.table)
    }

    private var budget: AcceptanceBenchmark.Budget {
        var budget = AcceptanceBenchmark.Budget()
        budget.nodes = nodes
        budget.depth = depth
        budget.width = width
        budget.tokens = tokens
        return budget
    }

    private func selectedPrompts() throws -> [BenchPrompt] {
        let all = try BenchPrompt.read(file: prompts)
        let selected = all.filter { category.isEmpty || category.contains($0.category) }.prefix(limit)
        guard !selected.isEmpty else {
            guard !all.isEmpty else { throw ValidationError("\(prompts) has no prompts; write one on each line") }
            let known = Set(all.map(\.category)).sorted().joined(separator: ", ")
            throw ValidationError(
                "\(prompts) has no prompts in the category \(category.joined(separator: ", ")); use one of \(known)"
            )
        }
        return Array(selected)
    }
}

/// One prompt of a benchmark file.
struct BenchPrompt {
    private struct Line: Decodable {
        var category: String?
        var turns: [String]
    }

    var category: String
    var text: String

    /// Reads a JSON Lines file in Spec-Bench's format.
    static func read(file path: String) throws -> [BenchPrompt] {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw ValidationError("\(path) cannot be read; check the path and its permissions")
        }
        return try data.split(separator: UInt8(ascii: "\n")).enumerated().map { number, bytes in
            guard let line = try? JSONDecoder().decode(Line.self, from: bytes), let text = line.turns.first else {
                throw ValidationError(
                    "line \(number + 1) of \(path) is not a prompt; "
                        + "each line must be a JSON object with \"turns\", an array of strings"
                )
            }
            return BenchPrompt(category: line.category ?? "all", text: text)
        }
    }
}
