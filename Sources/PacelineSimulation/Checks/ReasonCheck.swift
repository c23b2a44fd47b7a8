import PacelineCluster
import PacelineWire

/// Knows by which faults a link can come to end for a reason: no other end is expected.
struct ReasonCheck {
    /// What can keep a peer's bytes from arriving for a second.
    private static let silencing: Set<FaultKind> = [
        .latency, .bandwidth, .halfOpen, .partition, .oneWay, .pause, .powerOff, .hang, .tinyLimits, .verifierPause,
        .verifierKill, .gatewayPause, .contention, .flap, .clockJump, .truncate, .reorder,
        .oneWayHalfOpen, .clockBack,
    ]
    /// What can bring a verifier more connections than it takes.
    private static let crowding: Set<FaultKind> = [.byzantine, .intrude, .tinyLimits, .wrongModel]

    private let mayBeSilent: Bool
    private let mayBeCrowded: Bool

    init(_ scenario: Scenario) {
        let faults = scenario.faults.union(scenario.strikes.map(\.kind))
        mayBeSilent = !faults.isDisjoint(with: Self.silencing)
        mayBeCrowded =
            !faults.isDisjoint(with: Self.crowding) || scenario.workers.count > scenario.verifier.workerLimit
    }

    /// What is missing for a link to end in this way; nil if the end is to be expected.
    func missingCause(of fault: LinkFault) -> String? {
        switch fault {
        case .silent, .writeStalled, .outboundOverflow, .handshakeTimedOut, .reported(code: .timeout, _):
            mayBeSilent ? nil : "nothing holds bytes up"
        case .overloaded, .reported(code: .overloaded, _): mayBeCrowded ? nil : "nobody else wants the place"
        default: nil
        }
    }
}
