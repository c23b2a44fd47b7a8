import Glibc
import PacelineCluster
import PacelineSimulation
import PacelineSpeculation

extension TargetDescription {
    /// The mock target's.
    static func mock(cacheCapacity: Int = 1 << 16) -> TargetDescription {
        TargetDescription(
            fingerprint: MockText.fingerprint(of: "mock"),
            contextLength: 4096,
            cacheCapacity: cacheCapacity,
            costs: nil,
            featureLayers: MockFeatures.layers
        )
    }
}

extension CostCurve {
    /// Passes of 20 + 0.25 × rows milliseconds.
    static func mock() throws -> CostCurve {
        try linear(base: 20, perRow: 0.25)
    }
}

/// The mock target with passes that take a while.
final class SlowTarget: TargetEngine {
    private let target = MockTarget()
    private let passMicroseconds: UInt32

    init(passMicroseconds: UInt32) {
        self.passMicroseconds = passMicroseconds
    }

    func open(_ opening: Pass.Opening) throws {
        try target.open(opening)
    }

    func close(_ request: RequestID) {
        target.close(request)
    }

    func run(_ rounds: [Round], taps: [FeatureTap], progress: ComputeProgress) throws -> [RoundOutcome] {
        usleep(passMicroseconds)
        return try target.run(rounds, taps: taps, progress: progress)
    }
}
