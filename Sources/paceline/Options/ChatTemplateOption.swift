import ArgumentParser
import PacelineModel

/// A chat template in the place of that of the model's file.
struct ChatTemplateOption: ParsableArguments {
    @Option(
        name: .customLong("chat-template"),
        parsing: .unconditional,
        help: ArgumentHelp(
            """
            A file with the chat template to use instead of that of the model's file: a Jinja template, as in a \
            model's chat_template.jinja. Gateways send an answer on to verifiers with the same template only.
            """,
            valueName: "file"
        )
    )
    var chatTemplate: String?

    /// Opens a model's file, with this template if one is given.
    ///
    /// - Throws: ``PromptFileError``, or what ``ModelFile`` throws.
    func open(_ path: String) throws -> ModelFile {
        try ModelFile(path: path, chatTemplate: chatTemplate.map { try PromptFile.text(at: $0) })
    }
}
