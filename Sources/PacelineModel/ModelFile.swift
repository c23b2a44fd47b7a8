package import PacelineTensor

/// A model file that can be run, judged by its header: everything except the weights' values has been read and checked.
/// ``checkWeights(compute:progress:)`` checks these too.
///
/// Inspecting and loading a model both begin here, so they accept the same files.
package struct ModelFile: Sendable {
    package let file: GGUFFile
    package let configuration: ModelConfiguration
    package let tokenizer: Tokenizer
    package let tensors: ModelTensors

    /// Opens the GGUF file at `path`.
    ///
    /// - Parameter chatTemplate: takes the place of the file's, in the model's fingerprint too.
    /// - Throws: ``GGUFError`` or ``TokenizerError``.
    package init(path: String, chatTemplate: String? = nil) throws {
        let file = try GGUFFile(path: path)
        try self.init(chatTemplate.map { file.replacing(ChatRenderer.templateKey, with: $0) } ?? file)
    }

    /// - Throws: ``GGUFError`` or ``TokenizerError``.
    package init(_ file: GGUFFile) throws {
        self.file = file
        configuration = try ModelConfiguration(file)
        tokenizer = try Tokenizer(file)
        tensors = try ModelTensors(file, configuration: configuration)
    }

    /// Reads every weight that loading repacks. Throws the same error as loading for a weight that is not finite.
    ///
    /// - Parameter progress: called with the share done, 0 … 1.
    package func checkWeights(compute: Compute, progress: (Double) -> Void = { _ in }) throws {
        let reader = WeightReader(file: file, compute: compute)
        for vector in tensors.vectors { _ = try reader.vector(vector) }
        // Only the rows of the output head that loading keeps: its padding may hold anything.
        let head = TensorSlice(tensors.output, 0..<tokenizer.tokenCount)
        let matrices = tensors.blocks.flatMap(\.matrices) + [head]
        for (index, matrix) in matrices.enumerated() {
            try reader.check(matrix)
            progress(Double(index + 1) / Double(matrices.count))
        }
    }

    /// The path as the caller gave it.
    package var path: String { file.path }
}
