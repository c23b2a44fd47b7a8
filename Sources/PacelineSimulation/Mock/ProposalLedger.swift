import PacelineSpeculation

/// Everything that drafters proposed: which token after which whole prefix, for which request.
///
/// A node that reaches a pass must have been proposed for exactly the prefix below which it is verified. Stale trees,
/// trees of another request and wrongly re-rooted trees have other prefixes. They cannot change the output; the ledger
/// finds them all the same.
package final class ProposalLedger {
    private var known = MixedSet()
    /// Tokens of tagged bases that a drafter got for a request although they belong to another text.
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
