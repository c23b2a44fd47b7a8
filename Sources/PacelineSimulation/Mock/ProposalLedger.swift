import PacelineSpeculation

/// Everything that drafters proposed: which token after which whole prefix, for which request. Also which bases each
/// request has had.
///
/// A node that reaches a pass must have been proposed for exactly the prefix below which it is verified. Stale trees,
/// trees of another request and wrongly re-rooted trees have other prefixes. They cannot change the output; the ledger
/// finds them all the same.
package final class ProposalLedger {
    private var known = MixedSet()
    /// Bases that drafters got and that no request had when they did.
    var strayBases = 0
    /// Tokens of tagged bases that a drafter got for a request although they belong to another text.
    var foreignTokens = 0
    /// Rows of features that heads got.
    var featureRows = 0
    /// Pieces of them that are not of the text that their head drafts for.
    var strayFeatures = 0
    /// Steps of heads that had not got the features for them.
    var blindSteps = 0

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

    /// A request has this base from now on.
    func commit(seed: UInt64, base: BaseHash) {
        known.insert(key(seed, base, Self.noToken))
    }

    /// Whether a request has, or has had, this base.
    func isBase(seed: UInt64, _ base: BaseHash) -> Bool {
        known.contains(key(seed, base, Self.noToken))
    }

    /// Stands where no token was proposed.
    private static let noToken = Token.max

    private func key(_ seed: UInt64, _ prefix: BaseHash, _ token: Token) -> UInt64 {
        MockText.mix(prefix.rawValue ^ MockText.mix(seed ^ UInt64(token) << 40))
    }
}
