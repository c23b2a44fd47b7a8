import PacelineCluster
import PacelineSpeculation

/// What simulations did, in numbers. Statistics of several seeds can be added.
package struct SimulationStatistics: Sendable, Equatable {
    package var events = 0
    package var virtualNanoseconds: UInt64 = 0
    /// Faults that struck, by kind.
    package var faults: [FaultKind: Int] = [:]
    /// Tokens that clients received and that were compared with plain decoding.
    package var tokens = 0
    package var requests = 0
    package var passes = 0
    package var emptyRounds = 0
    package var verifiedNodes = 0
    package var acceptedTokens = 0
    package var draftSteps = 0
    /// Rows of the target's features that heads got.
    package var featureRows = 0
    /// Tokens of heads that were accepted.
    package var headTokens = 0
    /// Prompt tokens that were in the engine's pages already.
    package var reusedTokens = 0
    /// Corrupted or repeated pieces of a stream that reached their receiver.
    package var poisonDelivered = 0
    /// Those that the receiver noticed.
    package var poisonDetected = 0
    /// Those whose connection ended for another reason before the whole frame had arrived.
    package var poisonOutlived = 0
    /// Trees that were used, at the present base or re-rooted.
    package var usedTrees = 0
    /// Trees that came too late or for another base.
    package var staleTrees = 0
    /// Trees beyond their credit or out of order.
    package var refusedTrees = 0
    package var reconnections = 0
    /// Bytes that were handed to connections, both ways.
    package var linkBytes = 0
    /// The longest time for which a pass that could have begun waited for drafts, in milliseconds.
    package var longestDelay = 0.0
    /// The longest time by which a pass ended later than a plain one would have, because it waited for drafts or
    /// verified them.
    package var longestOverrun = 0.0
    /// The longest time between two pieces of a client's answer.
    package var longestGap = 0.0
    /// Milliseconds in which some request was running, at all verifiers.
    package var busyMilliseconds = 0.0
    /// Milliseconds of all passes.
    package var passMilliseconds = 0.0
    /// Milliseconds of comparable work with and without workers.
    package var comparedMilliseconds = 0.0
    package var plainMilliseconds = 0.0
    /// The least speed with drafters that are always wrong, over that of plain decoding; nil if none was run.
    package var leastWorthlessSpeed: Double?
    /// The same with drafters that are nearly always right.
    package var leastHelpfulSpeed: Double?
    package var gateways = GatewayFigures()

    package init() {}

    mutating func add(_ snapshot: VerifierSnapshot) {
        passes += snapshot.passes
        emptyRounds += snapshot.plainRounds
        acceptedTokens += snapshot.speculation.acceptedTokens
        for drafter in snapshot.drafters where drafter.name.hasPrefix(DrafterKind.headName) {
            headTokens += drafter.acceptedTokens
        }
        usedTrees += snapshot.trees.current + snapshot.trees.rerooted
        staleTrees += snapshot.trees.stale
        refusedTrees += snapshot.trees.overCredit + snapshot.trees.invalid
    }

    package static func += (left: inout SimulationStatistics, right: SimulationStatistics) {
        left.events += right.events
        left.virtualNanoseconds += right.virtualNanoseconds
        left.faults.merge(right.faults, uniquingKeysWith: +)
        left.tokens += right.tokens
        left.requests += right.requests
        left.passes += right.passes
        left.emptyRounds += right.emptyRounds
        left.verifiedNodes += right.verifiedNodes
        left.acceptedTokens += right.acceptedTokens
        left.draftSteps += right.draftSteps
        left.featureRows += right.featureRows
        left.headTokens += right.headTokens
        left.reusedTokens += right.reusedTokens
        left.poisonDelivered += right.poisonDelivered
        left.poisonDetected += right.poisonDetected
        left.poisonOutlived += right.poisonOutlived
        left.usedTrees += right.usedTrees
        left.staleTrees += right.staleTrees
        left.refusedTrees += right.refusedTrees
        left.reconnections += right.reconnections
        left.linkBytes += right.linkBytes
        left.longestDelay = max(left.longestDelay, right.longestDelay)
        left.longestOverrun = max(left.longestOverrun, right.longestOverrun)
        left.longestGap = max(left.longestGap, right.longestGap)
        left.busyMilliseconds += right.busyMilliseconds
        left.passMilliseconds += right.passMilliseconds
        left.comparedMilliseconds += right.comparedMilliseconds
        left.plainMilliseconds += right.plainMilliseconds
        left.gateways += right.gateways
        if let speed = right.leastWorthlessSpeed {
            left.leastWorthlessSpeed = min(left.leastWorthlessSpeed ?? .infinity, speed)
        }
        if let speed = right.leastHelpfulSpeed {
            left.leastHelpfulSpeed = min(left.leastHelpfulSpeed ?? .infinity, speed)
        }
    }
}
