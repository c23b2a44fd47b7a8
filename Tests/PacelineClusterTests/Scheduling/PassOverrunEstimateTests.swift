import PacelineSpeculation
import Testing

@testable import PacelineCluster

@Suite("How late passes end")
struct PassOverrunEstimateTests {
    @Test("is known as what about one in a hundred exceeds, whatever the noise", arguments: [1.0, 10, 40])
    func quantile(noise: Double) {
        var lateness = PassOverrunEstimate()
        var random = SplitMix(seed: 3)
        var exceeded = 0
        for pass in 0..<20_000 {
            let actual = 50 + noise * (2 * random.nextUnit() - 1)
            if pass >= 1_000, actual - 50 > lateness.milliseconds { exceeded += 1 }
            lateness.record(expected: 50, actual: actual)
        }
        #expect((100...300).contains(exceeded))
    }

    @Test("is hardly moved by one stall, and is nothing where passes keep to what is expected")
    func stall() {
        var lateness = PassOverrunEstimate()
        for _ in 0..<100 { lateness.record(expected: 50, actual: 49) }
        #expect(lateness.milliseconds == 0)
        lateness.record(expected: 50, actual: 5_000)
        #expect(lateness.milliseconds > 0 && lateness.milliseconds < 3)
    }
}
