package import PacelineModel
package import PacelineTensor

extension TinyModel {
    /// A transformer with the model's weights that computes the logits of `columns` (of all tokens if nil).
    package func transformer(
        threads: Int = 2,
        isa: InstructionSet = .best,
        cacheType: KVType = .f16,
        columns: LogitColumns? = nil
    ) throws -> Transformer {
        let file = try file()
        let configuration = try ModelConfiguration(file)
        let tensors = try ModelTensors(file, configuration: configuration)
        let compute = try Compute(threads: threads, isa: isa)
        let weights = try TransformerWeights(
            tensors,
            configuration: configuration,
            compute: compute,
            columns: columns ?? LogitColumns(Tokenizer(file))
        )
        return Transformer(
            configuration: configuration,
            weights: weights,
            compute: compute,
            cacheType: cacheType
        )
    }

    /// The default model with weights of another type.
    package static func with(weights: WeightFormat) -> TinyModel {
        var model = TinyModel()
        model.weights = weights
        return model
    }
}
