import PacelineTensor

/// A model's tensors as stored in its file, found and checked before any weight is read.
///
/// This is the only list of a family's tensors. Loading, inspecting and predicting memory all use it, so they agree.
package struct ModelTensors {
    let file: GGUFFile
    let embedding: GGUFTensor  // (vocabulary, embedding)
    /// Divisors of the rotation frequencies: rope dimension / 2 values.
    let ropeFactors: GGUFTensor?
    let blocks: [BlockTensors]
    let outputNorm: GGUFTensor  // (embedding)
    /// The output head: the embedding table if the file has no separate head.
    let output: GGUFTensor  // (vocabulary, embedding)
    let outputBias: GGUFTensor?  // (vocabulary)

    /// Finds the tensors of a model with this configuration.
    ///
    /// - Throws: ``GGUFError`` for a tensor that is missing, has the wrong shape, has a type without kernels, or is not
    ///   used by the family.
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

    /// The weight matrices that a pass multiplies, including the output head. Loading repacks them.
    var matrices: [TensorSlice] {
        blocks.flatMap(\.matrices) + [TensorSlice(matrix: output)]
    }

    /// The vectors, which loading converts to float32.
    var vectors: [TensorSlice] {
        blocks.flatMap(\.vectors)
            + [outputNorm, outputBias, ropeFactors].compactMap(\.self).map(TensorSlice.init(vector:))
    }

    /// The frequency divisors that the model uses; nil if the file has none. The file must have both or neither of
    /// LongRoPE's two sets.
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
