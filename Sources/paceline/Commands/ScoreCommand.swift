import ArgumentParser
import PacelineModel
import PacelineSpeculation
import PacelineTensor

/// `paceline score`: the distribution of the next token at positions of a text.
struct ScoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "score",
        abstract: "Print the log-probabilities of the next token at positions of a text.",
        discussion: """
            Entry i is the distribution of the token that follows tokens 0 … i: the natural logarithm of a softmax \
            over the raw logits, without temperature or penalties.

              paceline score -m smollm2-135m -p "The capital of France is" --positions last --top 5
              paceline score -m smollm2-135m --tokens 1604,613,5381 --top 10 --json
            """
    )

    @OptionGroup var model: ModelOptions
    @OptionGroup var text: TextOptions

    @Option(help: ArgumentHelp("Score these token ids instead of a text.", valueName: "ids"))
    var tokens: TokenList?

    @Flag(help: "Begin the text with the model's beginning-of-text token.")
    var bos = false

    @Option(parsing: .unconditional, help: ArgumentHelp("Tokens to show per position, 1 to 1000.", valueName: "count"))
    var top = 10

    @Option(help: ArgumentHelp("Positions to score: numbers or 'last' (default: all).", valueName: "0,5,last"))
    var positions: PositionList?

    @OptionGroup var cache: CacheOptions
    @OptionGroup var threads: ThreadOptions

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        guard (text.prompt == nil && text.file == nil) != (tokens == nil) else {
            throw ValidationError("give either a text, with -p or -f, or token ids, with --tokens")
        }
        guard tokens == nil || !bos else { throw ValidationError("--bos goes with a text, not with --tokens") }
        try validateRange(top, 1...1000, "--top")
    }

    func run() throws {
        threads.warnIfTooMany()
        let file = try ModelFile(path: model.path())
        let progress = ProgressLine("loading \(ModelNames.label(model.model))")
        let compute = try Compute(threads: threads.count)
        let model = try LanguageModel(file, compute: compute, cacheType: cache.type, progress: progress.update)
        progress.clear()
        let tokens = try tokens?.tokens ?? model.tokenizer.encode(text, addBOS: bos) ?? []
        let scored = try Scorer(transformer: model.transformer)
            .score(tokens, positions: positions?.resolve(count: tokens.count), count: top)
        if json {
            try StandardOutput.json(ScoreReport(tokens: tokens, positions: scored.map(ScoreReport.Position.init)))
        } else {
            try StandardOutput.write(table(scored, tokens, model.tokenizer))
        }
    }

    private func table(_ scored: [Scorer.Position], _ tokens: [Token], _ tokenizer: Tokenizer) throws -> String {
        var table = TextTable(
            header: ["position", "after", "token", "text", "log p", "p"],
            rightAligned: [0, 2, 4, 5]
        )
        for entry in scored {
            for (rank, candidate) in entry.top.enumerated() {
                let logProbability = Double(candidate.logProbability)
                table.append([
                    rank == 0 ? "\(entry.position)" : "",
                    rank == 0 ? try tokenizer.quoted(tokens[entry.position]) : "",
                    "\(candidate.token)", try tokenizer.quoted(candidate.token),
                    logProbability.formatted(decimals: 4), exponential(logProbability).formatted(decimals: 4),
                ])
            }
        }
        return table.text
    }
}

/// `0,5,last` on the command line.
struct PositionList: ExpressibleByArgument {
    /// nil stands for the last position.
    let positions: [Int?]

    init?(argument: String) {
        var positions: [Int?] = []
        for part in argument.split(separator: ",", omittingEmptySubsequences: false) {
            if part == "last" {
                positions.append(nil)
            } else if let position = Int(part), position >= 0 {
                positions.append(position)
            } else {
                return nil
            }
        }
        self.positions = positions
    }

    /// The positions in a text of `count` tokens.
    func resolve(count: Int) -> Set<Int> {
        Set(positions.map { $0 ?? max(0, count - 1) })
    }
}
