/// A kind of fault. Each seed enables some kinds and draws their intensities.
package enum FaultKind: String, CaseIterable, Sendable, Codable {
    // The network as a whole.
    case latency, bandwidth, slicing
    // One connection.
    case cut, reset, halfOpen = "half-open", corrupt, duplicate
    // All connections of a worker.
    case partition, oneWay = "one-way"
    // A worker's process.
    case pause, kill, powerOff = "power-off", hang, straggle, drain
    // What a worker drafts, and who else connects.
    case lie, byzantine, intrude
    // The verifier and its clients.
    case overload, cancel, slowClient = "slow-client", tinyLimits = "tiny-limits"
    case verifierPause = "verifier-pause", verifierKill = "verifier-kill"
    // The verifier's machine and its engine, in extreme scenarios only.
    case contention, engineFailure = "engine-failure"
    // Verifiers behind gateways, in scenarios of their own: a verifier ends in order; another generation takes its
    // place; it leaves the list of verifiers.
    case verifierDrain = "verifier-drain", upgrade, unlist
    // The gateways, and their connections to verifiers.
    case gatewayKill = "gateway-kill", gatewayPause = "gateway-pause"
    case upstreamCut = "upstream-cut", upstreamPartition = "upstream-partition"
    // Frames of a connection: the end of one is lost, one is overtaken by the next, one of an earlier connection comes
    // again.
    case truncate, reorder, replay
    // A worker's connections that break again and again; a process's clock that leaps ahead.
    case flap, clockJump = "clock-jump"
    // Who meets whom: processes of this protocol version and the one before, and workers of another model.
    case versionSkew = "version-skew", wrongModel = "wrong-model"
    // An engine without memory for a while.
    case memoryPressure = "memory-pressure"
    // One side of a connection hears nothing more, or has lost it and the other does not know; a process's clock that
    // goes back.
    case oneWayHalfOpen = "one-way-half-open", clockBack = "clock-back"

    /// Kinds that came later, in two steps. Each step draws from a random stream of its own, so that without its kinds
    /// a seed gives the scenario that it gave before.
    static let widened: [FaultKind] = [
        .truncate, .reorder, .replay, .flap, .clockJump, .versionSkew, .wrongModel, .memoryPressure,
    ]
    static let latest: [FaultKind] = [.oneWayHalfOpen, .clockBack]
    /// Kinds that a whole run has, and that count once for it.
    static let conditions: [FaultKind] = [.latency, .bandwidth, .slicing, .lie, .tinyLimits]

    /// Kinds that need a gateway.
    static let gateways: [FaultKind] = [
        .verifierDrain, .upgrade, .unlist, .gatewayKill, .gatewayPause, .upstreamCut, .upstreamPartition,
    ]

    /// Kinds that every scenario may draw. What a seed draws depends on their number and order.
    static let swarm = allCases.filter {
        $0 != .contention && $0 != .engineFailure && !(gateways + widened + latest).contains($0)
    }

    /// Whether it strikes at scheduled moments, rather than being a property of the whole run.
    var isScheduled: Bool {
        switch self {
        case .cut, .reset, .halfOpen, .corrupt, .duplicate, .partition, .oneWay, .pause, .kill, .powerOff, .hang,
            .drain, .intrude, .verifierPause, .verifierKill, .verifierDrain, .upgrade, .unlist, .gatewayKill,
            .gatewayPause, .upstreamCut, .upstreamPartition, .truncate, .reorder, .replay, .flap, .clockJump,
            .memoryPressure, .oneWayHalfOpen, .clockBack:
            true
        case .latency, .bandwidth, .slicing, .straggle, .lie, .byzantine, .overload, .cancel, .slowClient, .tinyLimits,
            .contention, .engineFailure, .versionSkew, .wrongModel:
            false
        }
    }

    /// Whether gateways can lose a verifier by it, or a connection to one.
    var isBlow: Bool {
        switch self {
        case .verifierKill, .verifierPause, .verifierDrain, .upgrade, .upstreamCut, .upstreamPartition, .gatewayPause,
            .clockJump, .clockBack, .memoryPressure:
            true
        default: false
        }
    }

    /// Whether it strikes workers and their connections only, so that requests must not suffer from it.
    var concernsWorkersOnly: Bool {
        switch self {
        case .overload, .cancel, .slowClient, .tinyLimits, .verifierPause, .verifierKill, .contention, .engineFailure,
            .verifierDrain, .upgrade, .unlist, .gatewayKill, .gatewayPause, .upstreamCut, .upstreamPartition,
            .clockJump, .memoryPressure, .clockBack:
            false
        default: true
        }
    }
}
