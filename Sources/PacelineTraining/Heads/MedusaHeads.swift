/// Heads that each guess one token further ahead, from one row of features.
///
/// Head i reads the feature f_p and guesses t_{p+2+i}, through the target's output matrix. In Medusa (arXiv 2401.10774)
/// it reads nothing else. In Hydra (arXiv 2402.05109) it also reads the embeddings of the tokens between, t_{p+1} to
/// t_{p+1+i}, which drafting has guessed by then.
package struct MedusaHeads<Scalar: TrainingScalar>: TrainableHead {
    package struct Shape: Equatable, Sendable {
        package var width: Int
        package var heads: Int
        /// Residual blocks of each head, at least 1.
        package var blocks: Int
        /// Whether heads read the tokens before theirs: Hydra.
        package var readsTokens: Bool

        package init(width: Int, heads: Int, blocks: Int = 1, readsTokens: Bool) {
            precondition(heads > 0 && blocks > 0)
            (self.width, self.heads, self.blocks, self.readsTokens) = (width, heads, blocks, readsTokens)
        }

        /// The width of what a head reads.
        package func inputs(head: Int) -> Int { readsTokens ? (head + 2) * width : width }

        /// The names and places of the parameters.
        package var layout: ParameterLayout {
            var layout = ParameterLayout()
            _ = residualBlocks(in: &layout)
            return layout
        }

        /// By head.
        func residualBlocks(in layout: inout ParameterLayout) -> [[ResidualBlock]] {
            (0..<heads).map { head in
                (0..<blocks).map { block in
                    ResidualBlock(
                        "\(head).\(block)",
                        inputs: block == 0 ? inputs(head: head) : width,
                        outputs: width,
                        skips: block == 0 && readsTokens,
                        in: &layout
                    )
                }
            }
        }
    }

    /// How the parts of the loss are weighted.
    package struct LossWeights: Equatable, Sendable {
        package var tokens: TokenLossMix
        /// The factor from one head to the next.
        package var decay: Double

        package init(tokens: TokenLossMix = .init(renormalised: 1), decay: Double = 0.8) {
            (self.tokens, self.decay) = (tokens, decay)
        }
    }

    package let shape: Shape
    package let frozen: FrozenVocabulary<Scalar>
    package let weights: LossWeights
    /// The standard deviation of the target's features, the unit of noise.
    package let featureScale: Double
    package let layout: ParameterLayout
    /// By head.
    private let blocks: [[ResidualBlock]]

    package init(
        _ shape: Shape,
        frozen: FrozenVocabulary<Scalar>,
        weights: LossWeights,
        featureScale: Double
    ) throws(TrainingDataError) {
        try frozen.check(width: shape.width)
        (self.shape, self.frozen, self.weights) = (shape, frozen, weights)
        self.featureScale = featureScale
        var layout = ParameterLayout()
        blocks = shape.residualBlocks(in: &layout)
        self.layout = layout
    }

    @_specialize(where Scalar == Float)
    package func initialParameters(seed: UInt64) -> [Scalar] {
        var initialiser = ParameterInitialiser<Scalar>(layout, seed: seed)
        // Each head begins as the target's own output, which guesses the token before.
        for block in blocks.joined() {
            initialiser.clear(block.linear.weight)
            guard let skip = block.skip else { continue }
            initialiser.clear(skip.weight)
            initialiser.addIdentity(skip.weight)
        }
        return initialiser.parameters
    }

    @_specialize(where Scalar == Float)
    package func check(_ sequence: TrainingSequence<Scalar>, index: Int) throws(TrainingDataError) {
        try sequence.check(index: index, featureWidth: shape.width, least: 2)
        try frozen.embedding.check(sequence.tokens, sequence: index)
    }

    @_specialize(where Scalar == Float)
    package func losses(
        _ sequences: [TrainingSequence<Scalar>],
        _ conditions: LossConditions,
        parameters: [Scalar],
        addingGradientTo gradient: inout [Scalar]
    ) -> HeadLosses {
        losses(sequences, conditions) { head, input, addLoss in
            let (output, traces) = run(head, input, parameters)
            let slopes = addLoss(output)
            backward(head, traces, slopes, parameters, &gradient)
        }
    }

    @_specialize(where Scalar == Float)
    package func losses(
        _ sequences: [TrainingSequence<Scalar>],
        _ conditions: LossConditions,
        parameters: [Scalar]
    ) -> HeadLosses {
        losses(sequences, conditions) { head, input, addLoss in
            _ = addLoss(run(head, input, parameters).output)
        }
    }

    /// The losses of all heads, each of which `compute` runs on its input. What it is given last adds a loss, and
    /// returns the derivative by the guesses.
    private func losses(
        _ sequences: [TrainingSequence<Scalar>],
        _ conditions: LossConditions,
        compute: (_ head: Int, _ input: Matrix<Scalar>, _ addLoss: (Matrix<Scalar>) -> Matrix<Scalar>) -> Void
    ) -> HeadLosses {
        let batch = MedusaBatch(sequences, conditions, featureScale: featureScale)
        var losses = HeadLosses()
        var decay = 1.0
        for head in 0..<shape.heads {
            let rows = batch.rows(head: head, frozen.vocabulary, weights.tokens)
            compute(head, batch.input(head: head, rows, shape, frozen.embedding)) { guesses in
                var slopes = Matrix<Scalar>(rows: guesses.rows, columns: guesses.columns)
                let loss = frozen.output.crossEntropy(
                    guesses,
                    rows.targets,
                    rowWeights: rows.weights,
                    factor: decay,
                    addingGradientTo: &slopes
                )
                losses.parts.append(.init(token: loss.crossEntropy, agreement: loss.agreement))
                losses.total += decay * loss.crossEntropy
                return slopes
            }
            decay *= weights.decay
        }
        return losses
    }

    private func run(
        _ head: Int,
        _ input: Matrix<Scalar>,
        _ parameters: [Scalar]
    ) -> (output: Matrix<Scalar>, traces: [ResidualBlock.Trace<Scalar>]) {
        var (output, traces) = (input, [ResidualBlock.Trace<Scalar>]())
        for block in blocks[head] {
            let (next, trace) = block.forward(output, parameters)
            output = next
            traces.append(trace)
        }
        return (output, traces)
    }

    private func backward(
        _ head: Int,
        _ traces: [ResidualBlock.Trace<Scalar>],
        _ outputGradient: Matrix<Scalar>,
        _ parameters: [Scalar],
        _ gradient: inout [Scalar]
    ) {
        var slopes = outputGradient
        for (block, trace) in zip(blocks[head], traces).dropFirst().reversed() {
            slopes = block.backward(trace, slopes, parameters, &gradient)
        }
        blocks[head][0].addParameterGradient(traces[0], slopes, &gradient)
    }

    /// What a head guesses at each position of a text that is followed by enough tokens.
    ///
    /// - Returns: rows × width.
    package func guesses(
        _ head: Int,
        _ sequence: TrainingSequence<Scalar>,
        parameters: [Scalar]
    ) -> Matrix<Scalar> {
        let batch = MedusaBatch([sequence], LossConditions(batchCount: 1), featureScale: featureScale)
        let rows = batch.rows(head: head, frozen.vocabulary, weights.tokens)
        return run(head, batch.input(head: head, rows, shape, frozen.embedding), parameters).output
    }
}
