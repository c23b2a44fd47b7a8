import PacelineCluster
import PacelineSpeculation

/// The way between a gateway and a verifier: how long pieces take, and whether it is cut off.
///
/// A route that is cut off loses nothing, as TCP sends again: what is on its way arrives when it is whole again.
final class UpstreamRoute {
    private let context: SimulationContext
    /// Until when nothing gets through.
    private(set) var blockedUntil = Instant.zero

    init(_ context: SimulationContext) {
        self.context = context
    }

    /// When something arrives that leaves now.
    func arrival() -> Instant {
        let (timeline, network) = (context.timeline, context.scenario.network)
        let trip = network.latency + timeline.random.duration(below: network.jitter)
        return max(timeline.now + trip, blockedUntil + trip)
    }

    func block(for span: Duration) {
        blockedUntil = max(blockedUntil, context.timeline.now + span)
    }

    func heal() {
        blockedUntil = min(blockedUntil, context.timeline.now)
    }
}
