import PacelineSpeculation

/// The cell that EAGLE-1, EAGLE-2 and HASS train, with the norms of multi-token prediction.
///
/// Row i reads the embedding of token t_{i+1} and the feature f_i. Its output guesses f_{i+1}, and through the target's
/// output matrix t_{i+2}; it is also the next row's feature while the head drafts on.
///
/// (EAGLE-1: arXiv 2401.15077; HASS: arXiv 2408.15766; multi-token prediction: arXiv 2412.19437)
package struct EagleHead<Scalar: TrainingScalar>: TrainableHead {
    /// Sizes, and which optional parts there are. EAGLE-1 has a bias and no norm outside its layer.
    package struct Shape: Equatable, Sendable {
        package var layer: DecoderLayer.Shape
        package var hasFusionBias: Bool
        package var normsEmbedding: Bool
        package var normsFeature: Bool
        package var normsLayerInput: Bool
        package var normsOutput: Bool

        /// Paceline's own head: all norms, no bias.
        package init(layer: DecoderLayer.Shape) {
            self.layer = layer
            hasFusionBias = false
            (normsEmbedding, normsFeature, normsLayerInput, normsOutput) = (true, true, true, true)
        }

        /// The names and places of the parameters.
        package var layout: ParameterLayout {
            var layout = ParameterLayout()
            _ = EagleCell(self, in: &layout)
            return layout
        }
    }

    /// How the parts of the loss are weighted.
    package struct LossWeights: Equatable, Sendable {
        package var feature: Double
        package var tokens: TokenLossMix
        /// The factor from one self-fed step to the next.
        package var decay: Double

        package init(feature: Double = 1, tokens: TokenLossMix = .init(renormalised: 0.5), decay: Double = 0.8) {
            (self.feature, self.tokens, self.decay) = (feature, tokens, decay)
        }
    }

    package let shape: Shape
    package let frozen: FrozenVocabulary<Scalar>
    package let weights: LossWeights
    /// The standard deviation of the target's features, the unit of feature loss and noise.
    package let featureScale: Double
    package let layout: ParameterLayout
    let cell: EagleCell

    package init(
        _ shape: Shape,
        frozen: FrozenVocabulary<Scalar>,
        weights: LossWeights,
        featureScale: Double
    ) throws(TrainingDataError) {
        try frozen.check(width: shape.layer.width)
        (self.shape, self.frozen, self.weights) = (shape, frozen, weights)
        self.featureScale = featureScale
        var layout = ParameterLayout()
        cell = EagleCell(shape, in: &layout)
        self.layout = layout
    }

    @_specialize(where Scalar == Float)
    package func initialParameters(seed: UInt64) -> [Scalar] {
        var initialiser = ParameterInitialiser<Scalar>(layout, seed: seed)
        // The feature passes at first, with a little of the embedding.
        initialiser.scale(cell.embeddingFusion.weight, by: 0.5)
        initialiser.scale(cell.featureFusion.weight, by: 0.1)
        initialiser.addIdentity(cell.featureFusion.weight)
        return initialiser.parameters
    }

    package func check(_ sequence: TrainingSequence<Scalar>, index: Int) throws(TrainingDataError) {
        try sequence.check(index: index, featureWidth: shape.layer.width, least: 2)
        try frozen.embedding.check(sequence.tokens, sequence: index)
    }

    @_specialize(where Scalar == Float)
    package func losses(
        _ sequences: [TrainingSequence<Scalar>],
        _ conditions: LossConditions,
        parameters: [Scalar],
        addingGradientTo gradient: inout [Scalar]
    ) -> HeadLosses {
        let batch = batch(sequences, conditions)
        let run = run(batch, steps: conditions.steps, parameters: parameters)
        backward(run, batch, parameters: parameters, addingTo: &gradient)
        return run.losses
    }

    @_specialize(where Scalar == Float)
    package func losses(
        _ sequences: [TrainingSequence<Scalar>],
        _ conditions: LossConditions,
        parameters: [Scalar]
    ) -> HeadLosses {
        run(batch(sequences, conditions), steps: conditions.steps, parameters: parameters).losses
    }

    /// Lays sequences out in rows.
    package func batch(_ sequences: [TrainingSequence<Scalar>], _ conditions: LossConditions) -> EagleBatch<Scalar> {
        let layout = EagleBatch<Scalar>.Layout(
            rotary: shape.layer.rotary,
            vocabulary: frozen.vocabulary,
            mix: weights.tokens
        )
        return EagleBatch(sequences, layout, conditions, featureScale: featureScale)
    }
}

/// The trainable parts of an EAGLE head.
struct EagleCell: Equatable, Sendable {
    let embeddingNorm: RMSNorm?
    let featureNorm: RMSNorm?
    /// The two halves of the fusion fc (width × 2 · width), so that nothing is concatenated: its columns for the
    /// embedding, with the bias, and those for the feature.
    let embeddingFusion: Linear
    let featureFusion: Linear
    let layer: DecoderLayer
    let outputNorm: RMSNorm?

    init<Scalar>(_ shape: EagleHead<Scalar>.Shape, in layout: inout ParameterLayout) {
        let (width, epsilon) = (shape.layer.width, shape.layer.normEpsilon)
        func norm(_ name: String, if isPresent: Bool) -> RMSNorm? {
            isPresent ? RMSNorm(name, width: width, epsilon: epsilon, in: &layout) : nil
        }
        embeddingNorm = norm("enorm", if: shape.normsEmbedding)
        featureNorm = norm("hnorm", if: shape.normsFeature)
        let fusion = Linear("fc", inputs: 2 * width, outputs: width, bias: shape.hasFusionBias, in: &layout)
        embeddingFusion = Linear(weight: fusion.weight.columns(0..<width), bias: fusion.bias)
        featureFusion = Linear(weight: fusion.weight.columns(width..<2 * width))
        layer = DecoderLayer(shape.layer, hasInputNorm: shape.normsLayerInput, in: &layout)
        outputNorm = norm("output_norm", if: shape.normsOutput)
    }
}
