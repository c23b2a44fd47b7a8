import PacelineCluster
import PacelineSpeculation

/// A toxic at work in one direction of one connection: decides when bytes come out.
struct RelayStage: Sendable {
    private let toxic: Toxic
    private var random: SplitMix
    /// When the latest run comes out.
    private var lastExit = Instant.zero

    init(_ toxic: Toxic, seed: UInt64) {
        self.toxic = toxic
        random = SplitMix(seed: seed)
    }

    /// When a run of `bytes` bytes that comes in at `entry` comes out: never before an earlier one.
    mutating func pass(bytes: Int, at entry: Instant) -> Instant {
        switch toxic {
        case .latency(let base, let jitter):
            let deviation = jitter * (2 * random.nextUnit() - 1)
            lastExit = max(lastExit, entry + base + deviation)
        case .bandwidth(let bytesPerSecond):
            lastExit = max(lastExit, entry) + Self.time(bytes: bytes, bytesPerSecond: bytesPerSecond)
        }
        return lastExit
    }

    /// Rounded up, so that the rate is never exceeded.
    private static func time(bytes: Int, bytesPerSecond: Int) -> Duration {
        let (product, overflow) = bytes.multipliedReportingOverflow(by: 1_000_000_000)
        let rate = max(1, bytesPerSecond)
        guard !overflow else { return .seconds(bytes / rate + 1) }
        return .nanoseconds(product / rate + (product % rate == 0 ? 0 : 1))
    }
}
