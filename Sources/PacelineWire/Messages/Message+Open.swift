package import PacelineSpeculation

extension Message {
    /// Verifier to worker: draft for this request. Carries everything that a worker needs to start from nothing, except
    /// the rest of a long base, which follows in ``Base`` messages.
    package struct Open: Sendable, Equatable {
        /// Chosen by the verifier, unique per connection; never 0.
        package var request: UInt64
        /// How many commits the sequence has had.
        package var epoch: UInt64
        /// The first committed tokens, prompt included; never empty.
        package var base: [Token]
        /// The number of all committed tokens. If ``base`` has fewer, the rest follows.
        package var baseLength: Int
        /// The hash of all committed tokens.
        package var baseHash: BaseHash
        package var sampling: SamplingParameters
        /// The most nodes that the worker's tree may have.
        package var credit: Int
        package var limits: DraftLimits
        package var shard: OutcomeShard
        /// The sequence never exceeds this many tokens, so drafting beyond it is wasted.
        package var lengthLimit: Int
        /// Names the trace that the request belongs to, for logs: 16 bytes, not all zero, or none.
        package var traceID: [UInt8]
        /// What the client calls the request, for logs; empty if nobody says so.
        package var requestID: String
        /// Why the credit is 0, if it is.
        package var rest = DraftRestReason.unspecified
        /// What the text must be; nil if nothing is known. Never in version 1.
        package var constraint: DraftConstraint?

        /// - Parameter baseLength: nil for the length of `base`.
        package init(
            request: UInt64,
            epoch: UInt64,
            base: [Token],
            baseLength: Int? = nil,
            baseHash: BaseHash,
            sampling: SamplingParameters,
            credit: Int,
            limits: DraftLimits,
            shard: OutcomeShard = .whole,
            lengthLimit: Int,
            traceID: [UInt8] = [],
            requestID: String = ""
        ) {
            self.request = request
            self.epoch = epoch
            self.base = base
            self.baseLength = baseLength ?? base.count
            self.baseHash = baseHash
            self.sampling = sampling
            self.credit = credit
            self.limits = limits
            self.shard = shard
            self.lengthLimit = lengthLimit
            self.traceID = traceID
            self.requestID = requestID
        }
    }

    /// Verifier to worker: the next tokens of a request's base, of which ``Open`` carried only the first part.
    package struct Base: Sendable, Equatable {
        package var request: UInt64
        /// How many tokens of the base came before these; never 0.
        package var offset: Int
        /// Never empty.
        package var tokens: [Token]

        package init(request: UInt64, offset: Int, tokens: [Token]) {
            self.request = request
            self.offset = offset
            self.tokens = tokens
        }
    }
}
