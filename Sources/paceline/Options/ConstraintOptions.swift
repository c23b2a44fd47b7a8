import ArgumentParser
import PacelineServer

/// What the text must be.
struct ConstraintOptions: ParsableArguments {
    @Option(
        name: .customLong("json-schema"),
        help: ArgumentHelp("Hold the text to the JSON schema in this file.", valueName: "file")
    )
    var jsonSchema: String?

    @Option(
        help: ArgumentHelp(
            "Hold the text to the grammar in this file, in llama.cpp's notation (GBNF).",
            valueName: "file"
        )
    )
    var grammar: String?

    func validate() throws {
        guard jsonSchema == nil || grammar == nil else {
            throw ValidationError("--json-schema and --grammar both say what the text must be; leave one out")
        }
    }

    /// - Throws: if a file cannot be read.
    func apply(to request: inout CompletionRequest) throws {
        request.jsonSchema = try jsonSchema.map { try PromptFile.text(at: $0) }
        request.grammar = try grammar.map { try PromptFile.text(at: $0) }
    }
}
