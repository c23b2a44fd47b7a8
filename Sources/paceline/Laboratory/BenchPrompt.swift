import ArgumentParser
import Foundation

/// One prompt of a benchmark file.
struct BenchPrompt {
    private struct Line: Decodable {
        var category: String?
        var turns: [String]?
        var prompt: String?
    }

    var category: String
    var text: String

    /// Reads a JSON Lines file in Spec-Bench's format.
    static func read(file path: String) throws -> [BenchPrompt] {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw ValidationError("\(path) cannot be read; check the path and its permissions")
        }
        return try data.split(separator: UInt8(ascii: "\n")).enumerated().map { number, bytes in
            guard let line = try? JSONDecoder().decode(Line.self, from: bytes),
                let text = line.turns?.first ?? line.prompt
            else {
                throw ValidationError(
                    "line \(number + 1) of \(path) is not a prompt; "
                        + "each line must be a JSON object with \"turns\", an array of strings"
                )
            }
            return BenchPrompt(category: line.category ?? "all", text: text)
        }
    }
}

/// Which prompts of a file are used.
struct BenchPromptOptions: ParsableArguments {
    @Option(help: ArgumentHelp("JSON Lines file with the prompts.", valueName: "file"))
    var prompts: String

    @Option(help: ArgumentHelp("Use only prompts of this category; may be repeated.", valueName: "name"))
    var category: [String] = []

    @Option(help: ArgumentHelp("Use at most this many prompts of each category, 1 to 10000.", valueName: "count"))
    var limit = 10

    func validate() throws {
        try validateRange(limit, 1...10_000, "--limit")
    }

    func selected() throws -> [BenchPrompt] {
        let all = try BenchPrompt.read(file: prompts)
        var counts: [String: Int] = [:]
        let selected = all.filter { prompt in
            guard category.isEmpty || category.contains(prompt.category) else { return false }
            counts[prompt.category, default: 0] += 1
            return counts[prompt.category, default: 0] <= limit
        }
        guard !selected.isEmpty else {
            guard !all.isEmpty else { throw ValidationError("\(prompts) has no prompts; write one on each line") }
            let known = Set(all.map(\.category)).sorted().joined(separator: ", ")
            throw ValidationError(
                "\(prompts) has no prompts in the category \(category.joined(separator: ", ")); use one of \(known)"
            )
        }
        return selected
    }
}
