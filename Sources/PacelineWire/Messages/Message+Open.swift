package import PacelineSpeculation

extension Message {
    /// Verifier to worker: draft for this request. Carries all that a worker needs to start from nothing.
    package struct Open: Sendable, Equatable {
        /// Named by the verifier, uniquely per connection; never 0.
        package var request: UInt64
        /// Commits of the sequence so far.
        package var epoch: UInt64
        /// All committed tokens, prompt included; never empty.
        package var base: [Token]
        package var baseHash: BaseHash
        package var sampling: SamplingParameters
        /// The most nodes that the worker's tree may have.
        package var credit: Int
        package var limits: DraftLimits
        package var shard: OutcomeShard
        /// The sequence ends at this many tokens at the latest; drafting beyond it is wasted.
        package var lengthLimit: Int

        package init(
            request: UInt64,
            epoch: UInt64,
            base: [Token],
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
            self.baseHash = baseHash
            self.sampling = sampling
            self.credit = credit
            self.limits = limits
            self.shard = shard
            self.lengthLimit = lengthLimit
        }
    }
}
