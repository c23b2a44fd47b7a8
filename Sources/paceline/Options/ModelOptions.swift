import ArgumentParser
import PacelineModel

/// The model that a command works with.
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

/// Names of models, as people read them.
enum ModelNames {
    /// All short names, for help texts.
    static let known = ModelCatalog.entries.map(\.name).joined(separator: ", ")

    /// A model's name in answers: its short name, or its file's name without folder and extension.
    static func label(_ name: String) -> String {
        let file = name.split(separator: "/").last.map(String.init) ?? name
        return file.hasSuffix(".gguf") ? String(file.dropLast(5)) : file
    }
}
