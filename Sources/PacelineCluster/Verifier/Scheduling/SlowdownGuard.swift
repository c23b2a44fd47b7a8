import PacelineSpeculation

/// Stops drafting while it makes requests slower than plain decoding, whatever the cause.
///
/// The planner knows what a pass costs, but not how much workers on the same machine slow it down. So the guard
/// compares tokens per elapsed time: while drafting, and in plain passes while nobody drafted. If drafting loses, it
/// rests: no nodes, no waiting, no credit. A rest measures plain passes again; then drafting is tried again. Each
/// further loss doubles the next rest (an obvious loss quadruples it), so that the cost of trying vanishes. While
/// drafting wins by little, an audit measures a few plain passes now and then, ever more rarely. Their cost may have
/// been measured at a bad moment.
///
/// Tokens while drafting are those the planner expects from calibrated confidences. With emitted tokens, a difference
/// of a few per cent would take hundreds of rounds to see. If emitted tokens fall short in the long run, expected ones
/// are discounted.
struct SlowdownGuard: Sendable {
    private enum Phase: Sendable, Equatable {
        case drafting(rounds: Int)
        case resting(left: Int, settling: Int, isAudit: Bool)
    }

    private static let memory = 32.0
    private static let trustMemory = 256.0
    /// Rounds before drafting is judged, and before an obvious loss is.
    private static let trial = 24
    private static let shortTrial = 8
    private static let loss = 0.96
    private static let obviousLoss = 0.7
    private static let shortestRest = 16
    private static let longestRest = 1024
    /// A round counts as at most this many times the duration of plain decoding. One stall of the machine says nothing
    /// about drafting.
    private static let outlierRatio = 3.0
    /// Passes at the start of a rest that unfinished draft steps may still slow down.
    private static let settling = 2
    /// Passes that an audit measures, rounds until the first audit, and the most rounds until any other.
    private static let auditLength = 6
    private static let firstAudit = 48
    private static let longestAudit = 1536
    /// Above this speed-up an audit is not worth its time: plain passes cannot have been measured that badly.
    private static let certainWin = 1.5

    private var phase = Phase.drafting(rounds: 0)
    private var nextRest = shortestRest
    private var nextAudit = firstAudit
    /// The time that plain decoding would have taken for the tokens, and the time that they took; both fading.
    private var earned = 0.0
    private var spent = 0.0
    /// Tokens as expected and as emitted; fading more slowly.
    private var promised = 0.0
    private var kept = 0.0
    private var trusted = 0
    /// How fast drafting was when it was last sent to rest.
    private(set) var lastLoss: Double?

    init() {}

    /// Whether all drafting is suspended.
    var isResting: Bool {
        if case .resting = phase { true } else { false }
    }

    /// Whether drafting rests because it lost, rather than for a short measurement.
    var hasLost: Bool {
        if case .resting(_, _, let isAudit) = phase { !isAudit } else { false }
    }

    /// How many times as fast as plain decoding the present drafting is; nil before there is evidence.
    var speedUp: Double? {
        spent > 0 ? earned / spent : nil
    }

    /// A pass of decoding rounds ended.
    ///
    /// - Parameters:
    ///   - expected: tokens per sequence that it was expected to emit, the correction included.
    ///   - emitted: tokens per sequence that it did emit.
    ///   - plain: milliseconds of a plain pass over the same sequences while nobody drafts.
    ///   - elapsed: milliseconds since it could have started, waiting included.
    /// - Returns: whether the pass may serve as a measurement of plain passes.
    mutating func record(expected: Double, emitted: Double, plain: Double, elapsed: Double) -> Bool {
        switch phase {
        case .drafting(let rounds):
            promised += expected - promised / Self.trustMemory
            kept += emitted - kept / Self.trustMemory
            trusted += 1
            earned += expected * trust * plain - earned / Self.memory
            spent += min(elapsed, Self.outlierRatio * expected * plain) - spent / Self.memory
            judge(rounds: rounds + 1)
            return false
        case .resting(let left, let settling, let isAudit) where settling > 0:
            phase = .resting(left: left, settling: settling - 1, isAudit: isAudit)
            return false
        case .resting(let left, _, let isAudit):
            if left > 1 {
                phase = .resting(left: left - 1, settling: 0, isAudit: isAudit)
            } else {
                phase = .drafting(rounds: 0)
                (earned, spent) = (0, 0)
            }
            return true
        }
    }

    /// The emitted tokens per expected one. Chance alone makes it waver by a few per cent.
    private var trust: Double {
        guard trusted >= 64, promised > 0 else { return 1 }
        return min(1, kept / promised + 0.03)
    }

    private mutating func judge(rounds: Int) {
        phase = .drafting(rounds: rounds)
        guard let speedUp, rounds >= Self.shortTrial, !PlantedBug.lossIgnored.isPlanted else { return }
        let isObvious = speedUp < Self.obviousLoss
        if isObvious || (rounds >= Self.trial && speedUp < Self.loss) {
            lastLoss = speedUp
            phase = .resting(left: nextRest, settling: Self.settling, isAudit: false)
            nextRest = min(nextRest * (isObvious ? 4 : 2), Self.longestRest)
        } else if rounds >= Self.trial {
            if speedUp > 1 { nextRest = Self.shortestRest }
            auditIfDue(rounds: rounds, speedUp: speedUp)
        }
    }

    private mutating func auditIfDue(rounds: Int, speedUp: Double) {
        guard rounds >= nextAudit, speedUp < Self.certainWin else { return }
        phase = .resting(left: Self.auditLength, settling: Self.settling, isAudit: true)
        nextAudit = min(nextAudit * 2, Self.longestAudit)
    }
}
