import ArgumentParser
import PacelineModel

/// `paceline inspect`: what is in a model file.
struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Show a GGUF file's metadata, tensors and sizes.",
        discussion: """
            Reads the head of the file only, and says whether this program can run the model.

              paceline inspect smollm2-135m
              paceline inspect models/some.gguf --tensors
            """
    )

    @Argument(help: ArgumentHelp("A GGUF file or a short name (\(ModelNames.known)).", valueName: "model"))
    var model: String

    @Flag(help: "List every tensor.")
    var tensors = false

    @Flag(help: "Print one JSON object.")
    var json = false

    func run() throws {
        let file = try GGUFFile(path: ModelCatalog.fromEnvironment().resolve(model))
        let report = InspectReport(file, listsTensors: tensors)
        try json ? StandardOutput.json(report) : StandardOutput.write(report.text)
    }
}
