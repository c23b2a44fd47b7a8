import Foundation
import PacelineTraining
import Testing

@Suite("Optimiser")
struct OptimiserTests {
    @Test("AdamW makes the steps of its paper, and decays matrices alone")
    func adamW() {
        var layout = ParameterLayout()
        _ = layout.matrix("matrix.weight", rows: 2, columns: 2)
        _ = layout.vector("norm.weight", 3)
        var random = RandomNumbers(seed: 21)
        let optimiser = AdamW(firstDecay: 0.8, secondDecay: 0.9, epsilon: 1e-3, weightDecay: 0.05)
        var state = TrainingState(parameters: random.numbers(7))
        var expected = state.parameters
        var (first, second) = ([Double](repeating: 0, count: 7), [Double](repeating: 0, count: 7))
        for step in 1...4 {
            let (gradient, rate) = (random.numbers(7), 0.1 / Double(step))
            optimiser.update(&state, layout: layout, gradient: gradient, gradientScale: 0.5, learningRate: rate)
            for index in 0..<7 {
                let slope = 0.5 * gradient[index]
                first[index] = 0.8 * first[index] + 0.2 * slope
                second[index] = 0.9 * second[index] + 0.1 * slope * slope
                let mean = first[index] / (1 - pow(0.8, Double(step)))
                let square = second[index] / (1 - pow(0.9, Double(step)))
                let decay = index < 4 ? 0.05 * expected[index] : 0
                expected[index] -= rate * (mean / (square.squareRoot() + 1e-3) + decay)
            }
            #expect(zip(state.parameters, expected).allSatisfy { ($0 - $1).magnitude < 1e-14 })
        }
        #expect(state.step == 4)
    }

    @Test("the learning rate rises evenly to its peak, and falls along half a cosine to a tenth of it")
    func learningRate() {
        let rate = LearningRate(peak: 2, warmUpSteps: 4, totalSteps: 14)
        #expect((0..<4).map { rate.rate(step: $0) } == [0.5, 1, 1.5, 2])
        #expect(rate.rate(step: 4) == 2)
        #expect((rate.rate(step: 9) - 1.1).magnitude < 1e-12)
        #expect((rate.rate(step: 14) - 0.2).magnitude < 1e-12)
        #expect(rate.rate(step: 1000) == rate.rate(step: 14))
        let falling = (4...14).map { rate.rate(step: $0) }
        #expect(zip(falling, falling.dropFirst()).allSatisfy { $0 > $1 })
    }

    @Test("clipping shrinks a gradient whose norm is too large, or cuts off its derivatives")
    func clipping() {
        let gradient = [3.0, -4, 0]
        var changed = gradient
        #expect(GradientClipping.none.apply(to: &changed) == (5, 1))
        #expect(GradientClipping.norm(1).apply(to: &changed) == (5, 0.2))
        #expect(GradientClipping.norm(5).apply(to: &changed) == (5, 1))
        #expect(changed == gradient)
        #expect(GradientClipping.value(3.5).apply(to: &changed) == (5, 1))
        #expect(changed == [3, -3.5, 0])
        // Longer than one of the pieces whose squares are added up in the gradient's own precision.
        var long = [Float](repeating: 0.5, count: 5000)
        #expect((GradientClipping.none.apply(to: &long).norm - 1250.0.squareRoot()).magnitude < 1e-6)
    }

    @Test("exponentials of a training differ from the C library's by two units in the last place at most")
    func exponentials() {
        let points = stride(from: -87.0, through: 0, by: 0.0137).map { $0 }
        var (single, double) = (points.map(Float.init), points)
        Float.exponentiate(&single, count: points.count)
        Double.exponentiate(&double, count: points.count)
        for (index, point) in points.enumerated() {
            let exact = exp(Double(Float(point)))
            #expect((Double(single[index]) - exact).magnitude <= 2 * Double(Float(exact).ulp), "\(point)")
            #expect((double[index] - exp(point)).magnitude <= 2 * exp(point).ulp, "\(point)")
        }
        var far: [Float] = [-1000, -.infinity]
        Float.exponentiate(&far, count: 2)
        #expect(far.allSatisfy { $0 >= 0 && $0 < 1e-37 })
    }
}
