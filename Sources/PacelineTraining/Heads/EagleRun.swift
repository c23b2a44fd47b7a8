/// What the steps of an EAGLE head computed, for their gradient.
package struct EagleRun<Scalar: TrainingScalar>: Sendable {
    /// One step: all rows once.
    struct Step: Sendable {
        let normedFeatures: Matrix<Scalar>
        let layer: DecoderLayer.Trace<Scalar>
        let layerOutput: Matrix<Scalar>
        /// The loss's derivative by the step's guesses.
        let guessGradient: Matrix<Scalar>
    }

    package internal(set) var losses = HeadLosses()
    /// The features that each step read. They count as constants (HASS), so that no gradient flows through them.
    package internal(set) var fed: [Matrix<Scalar>] = []
    /// The guesses of the last step: rows × width.
    package internal(set) var guesses: Matrix<Scalar>
    let embeddings: Matrix<Scalar>
    let normedEmbeddings: Matrix<Scalar>
    var keysAndValues: [KeysAndValues<Scalar>] = []
    var steps: [Step] = []
}

extension EagleHead {
    /// Runs the head `steps` times over a batch.
    ///
    /// - Parameter fed: features for each step to read, instead of its own; a check of gradients holds them fast.
    package func run(
        _ batch: EagleBatch<Scalar>,
        steps: Int,
        parameters: [Scalar],
        fed: [Matrix<Scalar>]? = nil
    ) -> EagleRun<Scalar> {
        let embeddings = frozen.embedding.embed(batch.tokens)
        let normed = cell.embeddingNorm?.forward(embeddings, parameters) ?? embeddings
        // The same tokens in every step, so their half of the fusion is computed once.
        let fusedEmbeddings = cell.embeddingFusion.forward(normed, parameters)
        var run = EagleRun(guesses: batch.features, embeddings: embeddings, normedEmbeddings: normed)
        for step in 0..<steps {
            let features = fed?[step] ?? (step == 0 ? batch.features : batch.features(after: run.guesses))
            let normedFeatures = cell.featureNorm?.forward(features, parameters) ?? features
            var input = fusedEmbeddings
            cell.featureFusion.add(normedFeatures, parameters, to: &input)
            let (output, trace) = cell.layer.forward(
                input,
                parameters,
                steps: &run.keysAndValues,
                rows: batch.rows
            )
            run.guesses = cell.outputNorm?.forward(output, parameters) ?? output
            run.fed.append(features)
            let guessGradient = addLosses(of: run.guesses, batch, step: step, to: &run.losses)
            run.steps.append(
                .init(
                    normedFeatures: normedFeatures,
                    layer: trace,
                    layerOutput: output,
                    guessGradient: guessGradient
                )
            )
        }
        return run
    }

    /// Adds a step's losses, and returns the derivative by its guesses.
    private func addLosses(
        of guesses: Matrix<Scalar>,
        _ batch: EagleBatch<Scalar>,
        step: Int,
        to losses: inout HeadLosses
    ) -> Matrix<Scalar> {
        var decay = 1.0
        for _ in 0..<step { decay *= weights.decay }
        var gradient = Matrix<Scalar>(rows: guesses.rows, columns: guesses.columns)
        let rowWeights = batch.weights(step: step)
        let feature = SmoothL1(scale: featureScale).forward(
            guesses,
            batch.nextFeatures,
            rowWeights: rowWeights,
            factor: decay * weights.feature,
            addingGradientTo: &gradient
        )
        let token = frozen.output.crossEntropy(
            guesses,
            batch.targets,
            rowWeights: rowWeights,
            factor: decay,
            addingGradientTo: &gradient
        )
        losses.parts.append(.init(feature: feature, token: token.crossEntropy, agreement: token.agreement))
        losses.total += decay * (weights.feature * feature + token.crossEntropy)
        return gradient
    }

    /// Adds the derivatives of a run's total loss by all parameters.
    package func backward(
        _ run: EagleRun<Scalar>,
        _ batch: EagleBatch<Scalar>,
        parameters: [Scalar],
        addingTo gradient: inout [Scalar]
    ) {
        var stepGradients = run.keysAndValues.map(\.zeros)
        var fused = Matrix<Scalar>(rows: batch.rows.count, columns: shape.layer.width)
        for (index, step) in run.steps.enumerated().reversed() {
            let output = backward(throughOutputNormOf: step, parameters, &gradient)
            var input = cell.layer.backward(
                step.layer,
                output,
                parameters,
                &gradient,
                step: index,
                steps: run.keysAndValues,
                stepGradients: &stepGradients,
                rows: batch.rows
            )
            input.input.add(input.residual)
            cell.featureFusion.addParameterGradient(step.normedFeatures, input.input, &gradient)
            if let norm = cell.featureNorm {
                var normed = Matrix<Scalar>.unset(rows: batch.rows.count, columns: shape.layer.width)
                cell.featureFusion.addInputGradient(input.input, parameters, to: &normed, kept: 0)
                norm.addParameterGradient(run.fed[index], normed, &gradient)
            }
            fused.add(input.input)
        }
        cell.embeddingFusion.addParameterGradient(run.normedEmbeddings, fused, &gradient)
        guard let norm = cell.embeddingNorm else { return }
        var normed = Matrix<Scalar>.unset(rows: batch.rows.count, columns: shape.layer.width)
        cell.embeddingFusion.addInputGradient(fused, parameters, to: &normed, kept: 0)
        norm.addParameterGradient(run.embeddings, normed, &gradient)
    }

    private func backward(
        throughOutputNormOf step: EagleRun<Scalar>.Step,
        _ parameters: [Scalar],
        _ gradient: inout [Scalar]
    ) -> Matrix<Scalar> {
        cell.outputNorm?.backward(step.layerOutput, step.guessGradient, parameters, &gradient) ?? step.guessGradient
    }
}
