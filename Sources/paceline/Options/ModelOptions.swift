import ArgumentParser
import PacelineModel

/// Which model a command is about.
struct ModelOptions: ParsableArguments {
    @Option(
        name: [.customShort("m"), .customLong("model")],
        help: ArgumentHelp(
            "The model: a GGUF file, or a short name (\(ModelNames.known)).",
            valueName: "model"
        )
    )
    var model: String

    /// The path of the model's file.
    func path() throws -> String {
        try ModelCatalog.fromEnvironment().resolve(model)
    }
}

/// Short names, for help texts.
enum ModelNames {
    static let known = ModelCatalog.entries.map(\.name).joined(separator: ", ")

    /// What a model is called in answers: its short name, or its file's name without folder and ending.
    static func label(_ name: String) -> String {
        let file = name.split(separator: "/").last.map(String.init) ?? name
        return file.hasSuffix(".gguf") ? String(file.dropLast(5)) : file
    }
}
