import ArgumentParser
import PacelineCluster
import PacelineModel

/// `paceline inspect`: what is in a model file.
struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Show a GGUF file's metadata, tensors and sizes.",
        discussion: """
            Reads the head of the file only, and says whether this program can run the model, and in how much memory: that of \
            a verifier with the same -c, -np and --kv-type.

              paceline inspect smollm2-135m
              paceline inspect models/some.gguf --tensors
            """
    )

    @Argument(help: ArgumentHelp("A GGUF file or a short name (\(ModelNames.known)).", valueName: "model"))
    var model: String

    @OptionGroup var context: ContextOptions
    @OptionGroup var cache: CacheOptions

    @Option(
        name: [.customLong("np", withSingleDash: true), .customLong("slots")],
        parsing: .unconditional,
        help: ArgumentHelp("Requests that run at once, 1 to 256: for the memory they would take.", valueName: "slots")
    )
    var slots = 4

    @Flag(help: "List every tensor.")
    var tensors = false

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        try validateRange(slots, 1...256, "--slots")
    }

    func run() throws {
        let file = try GGUFFile(path: ModelCatalog.fromEnvironment().resolve(model))
        let model = Result { try ModelFile(file) }
        var report = InspectReport(file, model: model, listsTensors: tensors)
        if case .success(let model) = model { report.memory = InspectReport.Memory(try demand(of: model)) }
        try json ? StandardOutput.json(report) : StandardOutput.write(report.text)
    }

    private func demand(of model: ModelFile) throws -> MemoryDemand {
        TransformerEngine.demand(
            of: model,
            contextLength: try context.length(for: model.configuration),
            sequences: slots,
            cacheType: cache.type
        )
    }
}
