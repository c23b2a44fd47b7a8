package import PacelineTensor

/// A model's file that can be run here, as far as its head tells: everything but the weights' own values was read and
/// checked. ``checkWeights(compute:progress:)`` checks these.
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

    /// Reads every weight that loading repacks and throws what it throws for one that is not a finite number.
    ///
    /// - Parameter progress: called with the share done, 0 … 1.
    package func checkWeights(compute: Compute, progress: (Double) -> Void = { _ in }) throws {
        let reader = WeightReader(file: file, compute: compute)
        for vector in tensors.vectors { _ = try reader.vector(vector) }
        // Of the output head, what loading keeps: its padding may hold anything.
        let head = TensorSlice(tensors.output, 0..<tokenizer.tokenCount)
        let matrices = tensors.blocks.flatMap(\.matrices) + [head]
        for (index, matrix) in matrices.enumerated() {
            try reader.check(matrix)
            progress(Double(index + 1) / Double(matrices.count))
        }
    }

    /// The path it was opened with.
    package var path: String { file.path }
}
