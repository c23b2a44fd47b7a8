import PacelineSpeculation
import Testing

@testable import PacelineCluster

@Suite("The estimate of overruns")
struct PassOverrunEstimateTests {
    @Test("settles where about one pass in a hundred exceeds it, whatever the noise", arguments: [1.0, 10, 40])
    func quantile(noise: Double) {
        var estimate = PassOverrunEstimate()
        var random = SplitMix(seed: 3)
        var exceeded = 0
        for pass in 0..<20_000 {
            let actual = 50 + noise * (2 * random.nextUnit() - 1)
            if pass >= 1_000, actual - 50 > estimate.milliseconds { exceeded += 1 }
            estimate.record(expected: 50, actual: actual)
        }
        #expect((100...300).contains(exceeded))
    }

    @Test("hardly moves at one stall, and is zero if passes take no longer than expected")
    func stall() {
        var estimate = PassOverrunEstimate()
        for _ in 0..<100 { estimate.record(expected: 50, actual: 49) }
        #expect(estimate.milliseconds == 0)
        estimate.record(expected: 50, actual: 5_000)
        #expect(estimate.milliseconds > 0 && estimate.milliseconds < 3)
    }
}
