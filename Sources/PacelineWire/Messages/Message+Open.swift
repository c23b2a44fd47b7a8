package import PacelineSpeculation

extension Message {
    /// Verifier to worker: draft for this request. Carries all that a worker needs to start from nothing, but for the
    /// rest of a long base, which follows in ``Base`` messages.
    package struct Open: Sendable, Equatable {
        /// Named by the verifier, uniquely per connection; never 0.
        package var request: UInt64
        /// Commits of the sequence so far.
        package var epoch: UInt64
        /// The first of the committed tokens, prompt included; never empty.
        package var base: [Token]
        /// All committed tokens. Where it is more than ``base`` has, the rest follows.
        package var baseLength: Int
        /// Of all committed tokens.
        package var baseHash: BaseHash
        package var sampling: SamplingParameters
        /// The most nodes that the worker's tree may have.
        package var credit: Int
        package var limits: DraftLimits
        package var shard: OutcomeShard
        /// The sequence ends at this many tokens at the latest; drafting beyond it is wasted.
        package var lengthLimit: Int

        /// - Parameter baseLength: as many as `base` has if nil.
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
            lengthLimit: Int
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
        }
    }

    /// Verifier to worker: the next tokens of the base of a request whose ``Open`` carried a part of it only.
    package struct Base: Sendable, Equatable {
        package var request: UInt64
        /// Tokens of the base that came before these; never 0.
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
