import ArgumentParser
import PacelineCluster
import PacelineModel
import PacelineTensor

/// `paceline inspect`: the contents of a model file.
struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Show a GGUF file's metadata, tensors and sizes.",
        discussion: """
            Tells whether this program can load the model, and how much memory a verifier with the same -c, -np and \
            --kv-type would need. Reads every weight to find damaged ones; --head reads only the file's header.

              paceline inspect smollm2-135m
              paceline inspect models/some.gguf --tensors --head
            """
    )

    @Argument(help: ArgumentHelp("A GGUF file or a short name (\(ModelNames.known)).", valueName: "model"))
    var model: String

    @OptionGroup var context: ContextOptions
    @OptionGroup var cache: CacheOptions

    @Option(
        name: [.customLong("np", withSingleDash: true), .customLong("slots")],
        parsing: .unconditional,
        help: ArgumentHelp("Requests at once, 1 to 256, for the memory they would need.", valueName: "slots")
    )
    var slots = 4

    @Flag(help: "Read only the file's header; do not look for weights that are not finite numbers.")
    var head = false

    @Flag(help: "List every tensor.")
    var tensors = false

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        try validateRange(slots, 1...256, "--slots")
    }

    func run() throws {
        let file = try GGUFFile(path: ModelCatalog.fromEnvironment().resolve(model))
        let model = Result { try checked(ModelFile(file)) }
        var report = InspectReport(file, model: model, listsTensors: tensors)
        if case .success(let model) = model { report.memory = InspectReport.Memory(try demand(of: model)) }
        try json ? StandardOutput.json(report) : StandardOutput.write(report.text)
    }

    /// Returns the model after checking that all its weights are finite, unless `--head` was given.
    private func checked(_ model: ModelFile) throws -> ModelFile {
        guard !head else { return model }
        let progress = ProgressLine("reading \(ModelNames.label(self.model))")
        defer { progress.clear() }
        try model.checkWeights(compute: Compute(threads: ThreadOptions.fallback), progress: progress.update)
        return model
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
