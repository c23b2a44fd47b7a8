/// A layer like the target's: attention and a feed-forward block, each with its norm and residual.
package struct DecoderLayer: Equatable, Sendable {
    /// The sizes of a layer.
    package struct Shape: Equatable, Sendable {
        package var width: Int
        package var attention: CausalAttention
        package var hidden: Int
        package var rotary: RotaryEmbedding
        package var normEpsilon: Double
        /// Whether queries, keys and values have biases (Qwen2).
        package var hasAttentionBias: Bool

        package init(
            width: Int,
            attention: CausalAttention,
            hidden: Int,
            rotary: RotaryEmbedding,
            normEpsilon: Double,
            hasAttentionBias: Bool = false
        ) {
            (self.width, self.attention, self.hidden) = (width, attention, hidden)
            (self.rotary, self.normEpsilon, self.hasAttentionBias) = (rotary, normEpsilon, hasAttentionBias)
        }
    }

    package let shape: Shape
    /// Absent in EAGLE-1, whose only layer reads what comes from the fusion as it is.
    package let inputNorm: RMSNorm?
    package let query: Linear
    package let key: Linear
    package let value: Linear
    package let output: Linear
    package let feedForwardNorm: RMSNorm
    package let feedForward: SwiGLU

    /// - Parameters:
    ///   - inputWidth: of what queries, keys and values are made from; the layer's width unless it is EAGLE-3's.
    ///   - hasInputNorm: whether the layer norms its input.
    package init(_ shape: Shape, inputWidth: Int? = nil, hasInputNorm: Bool, in layout: inout ParameterLayout) {
        let (width, bias) = (shape.width, shape.hasAttentionBias)
        let (inputs, attention) = (inputWidth ?? width, shape.attention)
        self.shape = shape
        let epsilon = shape.normEpsilon
        inputNorm = hasInputNorm ? RMSNorm("attn_norm", width: inputs, epsilon: epsilon, in: &layout) : nil
        query = Linear("attn_q", inputs: inputs, outputs: attention.queryWidth, bias: bias, in: &layout)
        key = Linear("attn_k", inputs: inputs, outputs: attention.keyValueWidth, bias: bias, in: &layout)
        value = Linear("attn_v", inputs: inputs, outputs: attention.keyValueWidth, bias: bias, in: &layout)
        output = Linear("attn_output", inputs: attention.queryWidth, outputs: width, in: &layout)
        feedForwardNorm = RMSNorm("ffn_norm", width: width, epsilon: epsilon, in: &layout)
        feedForward = SwiGLU(width: width, hidden: shape.hidden, in: &layout)
    }

    /// What `backward` needs of `forward`.
    package struct Trace<Scalar: TrainingScalar>: Sendable {
        var input: Matrix<Scalar>
        var normed: Matrix<Scalar>
        var queries: Matrix<Scalar>
        var weights: AttentionWeights<Scalar>
        var attended: Matrix<Scalar>
        /// After the first residual.
        var middle: Matrix<Scalar>
        var middleNormed: Matrix<Scalar>
        var feedForward: SwiGLU.Trace<Scalar>
    }

    /// One step over all rows.
    ///
    /// - Parameters:
    ///   - input: rows × inputWidth.
    ///   - residual: rows × width; what the attention's output is added to, `input` unless given.
    ///   - steps: keys and values of the earlier steps, to which this appends its own.
    ///   - rows: the sequences and their angles.
    /// - Returns: rows × width.
    package func forward<Scalar>(
        _ input: Matrix<Scalar>,
        residual: Matrix<Scalar>? = nil,
        _ parameters: [Scalar],
        steps: inout [KeysAndValues<Scalar>],
        rows: SequenceRows<Scalar>
    ) -> (output: Matrix<Scalar>, trace: Trace<Scalar>) {
        let normed = inputNorm?.forward(input, parameters) ?? input
        var queries = query.forward(normed, parameters)
        var keys = key.forward(normed, parameters)
        let size = shape.attention.headDimension
        rows.angles.rotate(&queries, headDimension: size, segments: rows.segments)
        rows.angles.rotate(&keys, headDimension: size, segments: rows.segments)
        steps.append(KeysAndValues(keys: keys, values: value.forward(normed, parameters)))
        let (attended, weights) = shape.attention.forward(queries, steps, segments: rows.segments)
        var middle = residual ?? input
        output.add(attended, parameters, to: &middle)
        let middleNormed = feedForwardNorm.forward(middle, parameters)
        var (result, feedForwardTrace) = feedForward.forward(middleNormed, parameters)
        result.add(middle)
        let trace = Trace(
            input: input,
            normed: normed,
            queries: queries,
            weights: weights,
            attended: attended,
            middle: middle,
            middleNormed: middleNormed,
            feedForward: feedForwardTrace
        )
        return (result, trace)
    }

    /// The derivatives by a step's input and by its residual.
    package struct InputGradient<Scalar: TrainingScalar>: Sendable {
        package var input: Matrix<Scalar>
        package var residual: Matrix<Scalar>
    }

    /// Goes back through one step. The steps' order is from the last to the first: `stepGradients` collects what later
    /// steps owe to the keys and values of earlier ones.
    ///
    /// - Parameters:
    ///   - step: whose turn it is, from 0.
    ///   - steps: keys and values of all steps.
    ///   - stepGradients: their derivatives so far.
    package func backward<Scalar>(
        _ trace: Trace<Scalar>,
        _ outputGradient: Matrix<Scalar>,
        _ parameters: [Scalar],
        _ gradient: inout [Scalar],
        step: Int,
        steps: [KeysAndValues<Scalar>],
        stepGradients: inout [KeysAndValues<Scalar>],
        rows: SequenceRows<Scalar>
    ) -> InputGradient<Scalar> {
        let middleNormed = feedForward.backward(
            trace.middleNormed,
            trace.feedForward,
            outputGradient,
            parameters,
            &gradient
        )
        var middle = feedForwardNorm.backward(trace.middle, middleNormed, parameters, &gradient)
        middle.add(outputGradient)
        let attended = output.backward(trace.attended, middle, parameters, &gradient)
        let seen = Array(steps[0...step])
        var queries = shape.attention.backward(
            trace.queries,
            seen,
            trace.weights,
            attended,
            &stepGradients,
            segments: rows.segments
        )
        let size = shape.attention.headDimension
        rows.angles.rotate(&queries, headDimension: size, segments: rows.segments, back: true)
        rows.angles.rotate(&stepGradients[step].keys, headDimension: size, segments: rows.segments, back: true)
        var normed = query.backward(trace.normed, queries, parameters, &gradient)
        for (part, slopes) in [(key, stepGradients[step].keys), (value, stepGradients[step].values)] {
            part.addParameterGradient(trace.normed, slopes, &gradient)
            part.addInputGradient(slopes, parameters, to: &normed)
        }
        let input = inputNorm?.backward(trace.input, normed, parameters, &gradient) ?? normed
        return InputGradient(input: input, residual: middle)
    }
}

/// Which rows of a batch belong to which sequence, and the angles of their positions.
package struct SequenceRows<Scalar: TrainingScalar>: Sendable {
    package let segments: [Range<Int>]
    package let angles: RotaryTable<Scalar>

    package init(segments: [Range<Int>], rotary: RotaryEmbedding) {
        self.segments = segments
        angles = rotary.table(positions: segments.map(\.count).max() ?? 0)
    }

    package var count: Int { segments.last?.upperBound ?? 0 }
}
