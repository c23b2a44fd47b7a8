import PacelineCluster
import PacelineSpeculation
import PacelineWire

extension Scenario {
    /// Some workers' models become heads, and some links have hardly any room for what these read. Draws from its own
    /// random stream, as ``drawProtocol()`` does.
    mutating func drawHeads() {
        var random = SplitMix(seed: MockText.mix(seed ^ 0x4845_4144))
        link.featureWindow = random.pick([1, 1000, 1 << 20])
        // An engine may give none; then heads are of no use, and of no harm.
        featureLayers = random.next(below: 8) == 0 ? nil : MockFeatures.layers
        for index in workers.indices {
            let demand = Self.featureDemand(&random)
            let isHead = random.next(below: 3) == 0
            guard isHead, case .model(let agreement) = workers[index].drafter else { continue }
            workers[index].drafter = .head(agreement: agreement, reads: demand)
        }
    }

    /// One to three of the mock target's taps, in any order.
    private static func featureDemand(_ random: inout SplitMix) -> FeatureDemand {
        let layers = (0..<MockFeatures.layers).map { FeatureTap.input(layer: $0) }
        let taps = (layers + [.lastOutput, .normedOutput]).shuffled(using: &random)
        let count = 1 + random.next(below: 3)
        return FeatureDemand(taps: Array(taps.prefix(count)), format: random.pick(FeatureDemand.Format.allCases))
    }

    /// The same scenario where all workers are heads, and nothing keeps features from them.
    func draftingWithHeads() -> Scenario {
        var scenario = self
        scenario.featureLayers = MockFeatures.layers
        scenario.link.featureWindow = LinkConfiguration().featureWindow
        for index in workers.indices {
            var random = SplitMix(seed: MockText.mix(seed &+ UInt64(index)))
            scenario.workers[index].drafter = .head(agreement: 0.7, reads: Self.featureDemand(&random))
            scenario.workers[index].versions = WireLimits.protocolVersions
        }
        return scenario
    }
}
