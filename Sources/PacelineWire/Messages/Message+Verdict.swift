package import PacelineSpeculation

extension Message {
    /// Verifier to worker: the sequence has grown. One per commit, in order.
    package struct Verdict: Sendable, Equatable {
        package var request: UInt64
        /// After this commit: one more than before.
        package var epoch: UInt64
        /// After this commit.
        package var baseLength: Int
        /// After this commit.
        package var baseHash: BaseHash
        /// The accepted tokens, then the correction; never empty.
        package var tokens: [Token]
        /// Nodes of this worker's tree that were verified.
        package var verifiedNodes: Int
        /// How many of them were accepted.
        package var acceptedNodes: Int
        /// Replaces the credit given before.
        package var credit: Int
        /// `nil`: as before.
        package var limits: DraftLimits?
        /// `nil`: as before.
        package var shard: OutcomeShard?
        /// Why the credit is 0, if it is.
        package var rest = DraftRestReason.unspecified

        package init(
            request: UInt64,
            epoch: UInt64,
            baseLength: Int,
            baseHash: BaseHash,
            tokens: [Token],
            verifiedNodes: Int,
            acceptedNodes: Int,
            credit: Int,
            limits: DraftLimits? = nil,
            shard: OutcomeShard? = nil
        ) {
            self.request = request
            self.epoch = epoch
            self.baseLength = baseLength
            self.baseHash = baseHash
            self.tokens = tokens
            self.verifiedNodes = verifiedNodes
            self.acceptedNodes = acceptedNodes
            self.credit = credit
            self.limits = limits
            self.shard = shard
        }
    }

    /// Either side: this request is over on this connection.
    package struct Close: Sendable, Equatable {
        package enum Reason: UInt32, Sendable, CaseIterable {
            /// Also stands for unknown values.
            case unspecified = 0
            case finished = 1
            case cancelled = 2
            case reassigned = 3
            case noCapacity = 4
            case contextLength = 5
            case failed = 6
        }

        package var request: UInt64
        package var reason: Reason
        /// For people.
        package var detail: String

        package init(request: UInt64, reason: Reason, detail: String = "") {
            self.request = request
            self.reason = reason
            self.detail = detail
        }
    }
}
