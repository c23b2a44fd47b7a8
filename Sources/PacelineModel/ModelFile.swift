/// A model's file that can be run here, as far as its head tells: everything but the weights' own values was read and
/// checked.
///
/// Whoever wants to know whether a model can be run, or is about to run it, comes through here: all say the same.
package struct ModelFile: Sendable {
    package let file: GGUFFile
    package let configuration: ModelConfiguration
    package let tokenizer: Tokenizer
    package let tensors: ModelTensors

    /// Opens the GGUF file at `path`.
    ///
    /// - Throws: ``GGUFError`` or ``TokenizerError``.
    package init(path: String) throws {
        try self.init(GGUFFile(path: path))
    }

    /// - Throws: ``GGUFError`` or ``TokenizerError``.
    package init(_ file: GGUFFile) throws {
        self.file = file
        configuration = try ModelConfiguration(file)
        tokenizer = try Tokenizer(file)
        tensors = try ModelTensors(file, configuration: configuration)
    }

    /// The path it was opened with.
    package var path: String { file.path }
}
