import PacelineSpeculation

/// Everything that drafters ever proposed: which token after which whole prefix, for which request.
///
/// A node that reaches a pass must have been proposed for exactly the prefix below which it is verified. A stale tree,
/// one of another request and one that was re-rooted wrongly all hang their tokens below another prefix, and are found
/// out here although they could not change the output.
package final class ProposalLedger {
    private var known: Set<UInt64> = []
    /// Tokens of tagged bases that drafters were handed for a request, and that are not of its text.
    var foreignTokens = 0

    package init() {}

    /// - Parameters:
    ///   - seed: of the request's sampling, which names the request: no two requests of a simulation share it.
    ///   - prefix: hash of base and path, the token itself not included.
    func record(seed: UInt64, prefix: BaseHash, token: Token) {
        known.insert(key(seed, prefix, token))
    }

    func contains(seed: UInt64, prefix: BaseHash, token: Token) -> Bool {
        known.contains(key(seed, prefix, token))
    }

    private func key(_ seed: UInt64, _ prefix: BaseHash, _ token: Token) -> UInt64 {
        MockText.mix(prefix.rawValue ^ MockText.mix(seed ^ UInt64(token) << 40))
    }
}
