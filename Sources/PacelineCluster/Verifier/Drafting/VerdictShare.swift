import PacelineSpeculation
import PacelineWire

/// One worker's part in a verdict.
struct VerdictShare: Equatable, Sendable {
    /// Nodes of the worker that were verified.
    var verified: Int
    /// Those of them that were accepted.
    var accepted: Int

    static let none = VerdictShare(verified: 0, accepted: 0)
}

extension Message.Verdict {
    /// What a worker is told of a commit; it leaves the worker no credit.
    init(_ tokens: [Token], of request: RequestID, mark: BaseMark, share: VerdictShare) {
        self.init(
            request: request.rawValue,
            epoch: mark.epoch,
            baseLength: mark.length,
            baseHash: mark.hash,
            tokens: tokens,
            verifiedNodes: share.verified,
            acceptedNodes: min(share.accepted, tokens.count - 1),
            credit: 0
        )
    }
}
