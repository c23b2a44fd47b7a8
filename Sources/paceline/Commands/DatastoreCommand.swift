import ArgumentParser
import PacelineModel
import PacelineSpeculation

/// `paceline datastore`: corpora that a drafter looks things up in.
struct DatastoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "datastore",
        abstract: "Prepare texts for the drafter datastore:FILE.",
        discussion: """
            A datastore holds the tokens of texts, and their places sorted by what follows. The drafter looks up the \
            latest tokens in it (REST, arXiv 2311.08252). It serves targets with the vocabulary that it was built with.

              paceline datastore build -m smollm2-135m -o manual.datastore chapter1.txt chapter2.txt
              paceline datastore inspect manual.datastore
              paceline worker --connect 127.0.0.1:7411 -md datastore:manual.datastore
            """,
        subcommands: [DatastoreBuildCommand.self, DatastoreInspectCommand.self]
    )
}

/// `paceline datastore build`
struct DatastoreBuildCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "build",
        abstract: "Build a datastore from text files."
    )

    @OptionGroup var model: ModelOptions

    @Option(
        name: [.customShort("o"), .customLong("output")],
        help: ArgumentHelp("The file to write. It takes 8 bytes for each token.", valueName: "file")
    )
    var output: String

    @Argument(help: ArgumentHelp("Text files; - reads standard input. No match goes across files.", valueName: "file"))
    var files: [String]

    func run() throws {
        let model = try ModelFile(path: model.path())
        let line = ProgressLine("tokenizing")
        defer { line.clear() }
        var texts: [[Token]] = []
        for (index, file) in files.enumerated() {
            if OutputFile.isSame(file, output) {
                throw ValidationError("\(file) is both a text and the output; write the datastore to another file")
            }
            line.update(Double(index) / Double(files.count), step: file)
            texts.append(model.tokenizer.encode(try PromptFile.text(at: file)))
        }
        let count = texts.reduce(0) { $0 + $1.count + 1 }
        guard count <= Datastore.tokenLimit else {
            throw ValidationError("the texts have \(count) tokens, more than a datastore holds; leave some out")
        }
        line.update(1, step: "done; sorting \(count) places")
        let datastore = Datastore(texts, vocabulary: Datastore.Vocabulary(model))
        try OutputFile.write(datastore.encoded, "the datastore", to: output)
    }
}

/// `paceline datastore inspect`
struct DatastoreInspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Show what a datastore holds, and whether its file is whole."
    )

    /// What is printed with `--json`.
    private struct Report: Encodable {
        enum CodingKeys: String, CodingKey {
            case texts, tokens, model
            case vocabularySize = "vocabulary_size"
        }

        var texts: Int
        var tokens: Int
        var model: String
        var vocabularySize: Int
    }

    @Argument(help: ArgumentHelp("The datastore.", valueName: "file"))
    var file: String

    @Flag(help: "Print one JSON object.")
    var json = false

    func run() throws {
        let datastore = try Datastore(path: file)
        let report = Report(
            texts: datastore.textCount,
            tokens: datastore.tokens.count - datastore.textCount,
            model: datastore.vocabulary.model,
            vocabularySize: datastore.vocabulary.count
        )
        guard !json else { return try StandardOutput.json(report) }
        var table = TextTable(header: ["texts", "tokens", "vocabulary", "made with"], rightAligned: [0, 1, 2])
        table.append(["\(report.texts)", "\(report.tokens)", "\(report.vocabularySize)", report.model])
        try StandardOutput.write(table.text)
    }
}
