import Foundation
import Testing

@testable import PacelineSpeculation

@Suite("Exponential and logarithm")
struct ElementaryTests {
    @Test("agree with the C library to a few units in the last place")
    func accuracy() {
        var generator = SplitMix(seed: 70)
        for _ in 0..<20_000 {
            let x = Double.random(in: -700...700, using: &generator)
            #expect(abs(Double.exponential(x) / exp(x) - 1) < 4e-15)
            let y = exp(Double.random(in: -700...700, using: &generator))
            #expect(abs(Double.logarithm(y) - log(y)) <= 4e-16 * max(1, abs(log(y))))
        }
    }

    @Test("have the right limits")
    func limits() {
        #expect(Double.exponential(0) == 1)
        #expect(Double.exponential(-.infinity) == 0)
        #expect(Double.exponential(-1e9) == 0)
        #expect(Double.exponential(.infinity) == .infinity)
        #expect(Double.exponential(.nan).isNaN)
        #expect(Double.exponential(-744) > 0)
        #expect(Double.logarithm(1) == 0)
        #expect(Double.logarithm(0) == -.infinity)
        #expect(Double.logarithm(-1).isNaN)
        #expect(Double.logarithm(.nan).isNaN)
        #expect(Double.logarithm(.infinity) == .infinity)
        #expect(abs(Double.logarithm(.leastNonzeroMagnitude) - log(.leastNonzeroMagnitude)) < 1e-12)
    }
}
