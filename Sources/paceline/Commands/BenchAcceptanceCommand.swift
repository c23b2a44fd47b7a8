import ArgumentParser
import Foundation
import PacelineCluster
import PacelineModel
import PacelineSpeculation

/// `paceline bench acceptance`: how much of what drafters propose a target accepts.
struct BenchAcceptanceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "acceptance",
        abstract: "Measure how much of what drafters propose the target accepts.",
        discussion: """
            Rounds of drafting and verifying in one process, without a clock: the figures depend on the models, the \
            prompts and the budget alone. Mean acceptance length counts the correction: 1 + accepted / rounds.

            Prompts come from a file of JSON lines in Spec-Bench's form, {"category": …, "turns": [text, …]}; the \
            first turn is wrapped in the model's chat format.
            """
    )

    @OptionGroup var model: ModelOptions

    @OptionGroup var drafting: DrafterOptions

    @Option(help: ArgumentHelp("JSON lines with the prompts.", valueName: "file"))
    var prompts: String

    @Option(help: ArgumentHelp("Only prompts of this category; may repeat.", valueName: "name"))
    var category: [String] = []

    @Option(help: ArgumentHelp("At most this many prompts, 1 to 10000.", valueName: "count"))
    var limit = 10

    @Option(
        name: [.customShort("n"), .customLong("max-tokens")],
        help: ArgumentHelp("Tokens per prompt.", valueName: "count")
    )
    var tokens = 128

    @Option(help: ArgumentHelp("Nodes verified in a round, 1 to 512.", valueName: "count"))
    var nodes = 16

    @Option(help: ArgumentHelp("Deepest node, 1 to 32.", valueName: "count"))
    var depth = 8

    @Option(help: ArgumentHelp("Children per expanded node, 1 to 64.", valueName: "count"))
    var width = 3

    @Option(
        name: [.customLong("temp"), .customLong("temperature")],
        help: ArgumentHelp("Temperature.", valueName: "T")
    )
    var temperature: Float = 0

    @Option(help: ArgumentHelp("Seed of the noise.", valueName: "number"))
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
        let chat = try ChatFormat(file.file, tokenizer: tokenizer)
        let prompts = try selectedPrompts()
        let target = try LoadedTarget.transformer(file, threads: threads.count, sequences: 1)
        for case .model(let path) in names {
            try tokenizer.requireSameVocabulary(asDrafter: ModelFile(path: path).tokenizer)
        }
        let roster = try DrafterRoster(
            names,
            draftVocabulary: drafting.vocabulary,
            threads: threads.count,
            sequences: 1,
            seed: seed,
            progress: ComputeProgress()
        )
        let benchmark = AcceptanceBenchmark(
            target: target,
            drafters: roster,
            budget: budget,
            endOfGeneration: tokenizer.endOfGeneration
        )
        let sampling = try SamplingParameters(temperature: temperature, seed: seed).validated()
        let line = ProgressLine("prompts")
        var report = AcceptanceReport(model: ModelNames.label(model.model), drafters: names.map(\.description))
        for (index, prompt) in prompts.enumerated() {
            let conversation = chat.render([ChatMessage(.user, prompt.text)])
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
            let known = Set(all.map(\.category)).sorted().joined(separator: ", ")
            throw ValidationError(
                "\(prompts) has no prompt of the category \(category.joined(separator: ", ")), but \(known)"
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

    /// Reads JSON lines in Spec-Bench's form.
    static func read(file path: String) throws -> [BenchPrompt] {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw ValidationError("\(path) cannot be read; check the path and its permissions")
        }
        return try data.split(separator: UInt8(ascii: "\n")).enumerated().map { number, bytes in
            guard let line = try? JSONDecoder().decode(Line.self, from: bytes), let text = line.turns.first else {
                throw ValidationError(
                    "line \(number + 1) of \(path) is no prompt; "
                        + "each line is a JSON object with a list \"turns\" of texts"
                )
            }
            return BenchPrompt(category: line.category ?? "all", text: text)
        }
    }
}
