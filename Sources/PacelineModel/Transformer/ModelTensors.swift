import PacelineTensor

/// A model's tensors as its file has them, found and checked before any weight is read.
///
/// This is the one list of what a family's models are made of: loading, inspecting and predicting memory go by it, and
/// so say the same of a file.
package struct ModelTensors {
    let file: GGUFFile
    let embedding: GGUFTensor  // (vocabulary, embedding)
    /// What the rotation frequencies are divided by: rope dimension / 2 values.
    let ropeFactors: GGUFTensor?
    let blocks: [BlockTensors]
    let outputNorm: GGUFTensor  // (embedding)
    /// The output head: the embedding table where the file has no other.
    let output: GGUFTensor  // (vocabulary, embedding)
    let outputBias: GGUFTensor?  // (vocabulary)

    /// Finds the tensors of a model of this configuration.
    ///
    /// - Throws: ``GGUFError`` for a shape that the kernels do not compute, a tensor that is missing, has another shape
    ///   or a type without kernels, and for one that the family does not use.
    package init(_ file: GGUFFile, configuration shape: ModelConfiguration) throws(GGUFError) {
        var claims = TensorClaims(file)
        let (wide, size) = (shape.embeddingLength, shape.vocabularySize)
        self.file = file
        embedding = try claims.matrix("token_embd.weight", rows: size, columns: wide)
        ropeFactors = try Self.ropeFactors(shape.rope, &claims)
        var blocks: [BlockTensors] = []
        for index in 0..<shape.blockCount { blocks.append(try BlockTensors(index, shape, &claims)) }
        self.blocks = blocks
        outputNorm = try claims.vector("output_norm.weight", count: wide)
        let hasHead = claims.contains("output.weight")
        output = hasHead ? try claims.matrix("output.weight", rows: size, columns: wide) : embedding
        outputBias = try claims.bias("output.bias", size, .output, shape.architecture)
        try claims.requireNoneLeft(for: shape.architecture)
    }

    /// The matrices that a pass multiplies with, the output head among them: what is repacked.
    var matrices: [TensorSlice] {
        blocks.flatMap(\.matrices) + [TensorSlice(matrix: output)]
    }

    /// What is kept as float32.
    var vectors: [TensorSlice] {
        blocks.flatMap(\.vectors)
            + [outputNorm, outputBias, ropeFactors].compactMap(\.self).map(TensorSlice.init(vector:))
    }

    /// The divisors that the model's numbers call for, if the file has any. Of LongRoPE's two sets it must have both or
    /// none.
    private static func ropeFactors(
        _ rope: RopeConfiguration,
        _ claims: inout TensorClaims
    ) throws(GGUFError) -> GGUFTensor? {
        let names = [rope.factors.tensor, rope.factors.unused.tensor].compactMap(\.self)
        guard names.contains(where: { claims.contains($0) }) else { return nil }
        var tensors: [GGUFTensor] = []
        for name in names { tensors.append(try claims.vector(name, count: rope.dimension / 2)) }
        return tensors.first
    }
}
