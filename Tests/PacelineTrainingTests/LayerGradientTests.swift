import PacelineTestTraits
import PacelineTraining
import Testing

@Suite("Gradients of layers", .computing)
struct LayerGradientTests {
    @Test("of linear maps equal differences", arguments: [false, true])
    func linear(hasBias: Bool) {
        var layout = ParameterLayout()
        let layer = Linear("linear", inputs: 5, outputs: 4, bias: hasBias, in: &layout)
        check(layout, inputs: 5, outputs: 4) {
            layer.forward($0, $1)
        } backward: { input, slopes, parameters, gradient in
            layer.backward(input, slopes, parameters, &gradient)
        }
    }

    @Test("of the norm equal differences")
    func norm() {
        var layout = ParameterLayout()
        let layer = RMSNorm("norm", width: 11, epsilon: 1e-5, in: &layout)
        check(layout, inputs: 11, outputs: 11) {
            layer.forward($0, $1)
        } backward: {
            layer.backward($0, $1, $2, &$3)
        }
    }

    @Test("of the feed-forward block equal differences")
    func feedForward() {
        var layout = ParameterLayout()
        let layer = SwiGLU(width: 6, hidden: 9, in: &layout)
        check(layout, inputs: 6, outputs: 6) {
            layer.forward($0, $1).output
        } backward: {
            layer.backward($0, layer.forward($0, $2).trace, $1, $2, &$3)
        }
    }

    /// Compares the derivatives of Σ output · slopes by parameters and input.
    private func check(
        _ layout: ParameterLayout,
        inputs: Int,
        outputs: Int,
        forward: (Matrix<Double>, [Double]) -> Matrix<Double>,
        backward: (Matrix<Double>, Matrix<Double>, [Double], inout [Double]) -> Matrix<Double>
    ) {
        var random = RandomNumbers(seed: 1)
        let parameters = random.numbers(layout.count)
        let (input, slopes) = (random.matrix(7, inputs), random.matrix(7, outputs))
        // Gradients are added to what is there.
        let before = random.numbers(layout.count)
        var gradient = before
        let inputGradient = backward(input, slopes, parameters, &gradient)
        let added = zip(gradient, before).map { $0 - $1 }
        GradientCheck.expectAll(layout, added, of: parameters) { product(forward(input, $0), slopes) }
        GradientCheck.expect(inputGradient.values, of: input.values, at: 0..<7 * inputs, "input") {
            product(forward(Matrix(rows: 7, columns: inputs, values: $0), parameters), slopes)
        }
    }

    @Test("of rotary embeddings equal differences, in both pairings", arguments: [0, 1])
    func rotary(_ pairing: Int) {
        let embedding = RotaryEmbedding(
            dimensions: 4,
            pairing: pairing == 0 ? .neighbours : .halves,
            theta: 100,
            frequencyDivisors: [1, 3]
        )
        let table: RotaryTable<Double> = embedding.table(positions: 5)
        // Two heads of six values, of which four turn.
        func rotated(_ values: [Double], back: Bool = false) -> Matrix<Double> {
            var matrix = Matrix(rows: 8, columns: 12, values: values)
            table.rotate(&matrix, headDimension: 6, segments: [0..<5, 5..<8], back: back)
            return matrix
        }
        var random = RandomNumbers(seed: 2)
        let (input, slopes) = (random.numbers(96), random.matrix(8, 12))
        let gradient = rotated(slopes.values, back: true)
        GradientCheck.expect(gradient.values, of: input, at: 0..<96, "input") { product(rotated($0), slopes) }
    }

    @Test("of attention equal differences, with keys of up to three earlier steps", arguments: [0, 1, 2, 3])
    func attention(diagonals: Int) {
        let shape = CausalAttention(heads: 4, keyValueHeads: 2, headDimension: 3)
        let segments = [0..<6, 6..<7, 7..<9]
        var random = RandomNumbers(seed: 3)
        let (queries, slopes) = (random.matrix(9, 12), random.matrix(9, 12))
        let steps = (0...diagonals).map { _ in
            KeysAndValues(keys: random.matrix(9, 6), values: random.matrix(9, 6))
        }
        let zeros = Matrix<Double>(rows: 9, columns: 6)
        var stepGradients = steps.map { _ in KeysAndValues(keys: zeros, values: zeros) }
        let (_, weights) = shape.forward(queries, steps, segments: segments)
        let queryGradient = shape.backward(queries, steps, weights, slopes, &stepGradients, segments: segments)
        func loss(_ queries: Matrix<Double>, _ steps: [KeysAndValues<Double>]) -> Double {
            product(shape.forward(queries, steps, segments: segments).output, slopes)
        }
        GradientCheck.expect(queryGradient.values, of: queries.values, at: 0..<108, "queries") {
            loss(Matrix(rows: 9, columns: 12, values: $0), steps)
        }
        for step in steps.indices {
            GradientCheck.expect(stepGradients[step].keys.values, of: steps[step].keys.values, at: 0..<54, "keys") {
                var changed = steps
                changed[step].keys.values = $0
                return loss(queries, changed)
            }
            GradientCheck.expect(stepGradients[step].values.values, of: steps[step].values.values, at: 0..<54, "values")
            {
                var changed = steps
                changed[step].values.values = $0
                return loss(queries, changed)
            }
        }
    }

    @Test("of the feature loss equal differences, inside and outside of its quadratic part")
    func smoothL1() {
        var random = RandomNumbers(seed: 4)
        let (guesses, features) = (random.matrix(4, 7, size: 3), random.matrix(4, 7))
        let loss = SmoothL1(scale: 0.9)
        let weights = [0.5, 0, 0.25, 2]
        func value(_ guesses: [Double], _ gradient: inout Matrix<Double>) -> Double {
            loss.forward(
                Matrix(rows: 4, columns: 7, values: guesses),
                features,
                rowWeights: weights,
                factor: 3,
                addingGradientTo: &gradient
            )
        }
        var gradient = Matrix<Double>(rows: 4, columns: 7)
        _ = value(guesses.values, &gradient)
        GradientCheck.expect(gradient.values, of: guesses.values, at: 0..<28, "guesses") {
            var unused = gradient
            return 3 * value($0, &unused)
        }
    }

    @Test("of the cross entropy equal differences, for soft targets and for those that are cut off")
    func crossEntropy() throws {
        var random = RandomNumbers(seed: 5)
        let vocabulary = try DraftVocabulary(targetTokens: [1, 3, 4, 8, 9], targetCount: 12)
        var targets = SoftTargets<Double>()
        let mix = TokenLossMix(renormalised: 0.7, cutOff: 0.4)
        let tops: [[(Int, Float)]] = [[(3, -0.4), (7, -1.5), (1, -2)], [(8, -0.01)], [], [(2, -0.5), (3, -1)]]
        for top in tops {
            targets.append(top.map { TopToken(token: $0, logProbability: $1) }, vocabulary: vocabulary, mix: mix)
        }
        let slice = OutputSlice(rows: random.matrix(5, 6))
        let features = random.matrix(4, 6)
        func value(_ features: [Double], _ gradient: inout Matrix<Double>) -> Double {
            slice.crossEntropy(
                Matrix(rows: 4, columns: 6, values: features),
                targets,
                rowWeights: [0.5, 1.5, 1, 1],
                factor: 2,
                addingGradientTo: &gradient
            ).crossEntropy
        }
        var gradient = Matrix<Double>(rows: 4, columns: 6)
        _ = value(features.values, &gradient)
        // Rows without targets, or whose best token the head cannot say, teach nothing.
        #expect(gradient.values[12...].allSatisfy { $0 == 0 })
        GradientCheck.expect(gradient.values, of: features.values, at: 0..<24, "features") {
            var unused = gradient
            return 2 * value($0, &unused)
        }
    }
}
