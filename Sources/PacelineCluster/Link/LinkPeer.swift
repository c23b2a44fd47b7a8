package import PacelineWire

/// The other side of an established link, as the handshake showed it.
package struct LinkPeer: Sendable, Equatable {
    /// The protocol version that both sides speak on this link.
    package var version: Int
    /// For people; not unique.
    package var name: String
    /// Random id of the peer's process life.
    package var incarnation: UInt64
    /// The drafter's or the target's model; nil for a model-free drafter.
    package var fingerprint: ModelFingerprint?
    /// Token ids on the link are below it.
    package var vocabularySize: Int
    package var capabilities: LinkCapabilities
    /// Requests that the worker drafts for at once; of the worker's own link, what it offered itself.
    package var slots: Int
    /// Longest base and tree that the drafter can hold; nil for no bound.
    package var contextLength: Int?
    package var limits: LinkLimits
    package var heartbeat: Duration
    package var deadAfter: Duration
}

extension LinkPeer {
    /// The bytes of an `Open` without its base: 1,024 biased tokens are most of them.
    private static let openBytes = 8 << 10

    /// Tokens of a base that fit one message, whatever they are.
    private var fittingPart: Int {
        min(WireLimits.basePart, (limits.framePayload - Self.openBytes) / WireLimits.tokenBytes)
    }

    /// Tokens of a base that one message is to carry, `limit` where the version can cut a base at all.
    func basePart(limit: Int) -> Int {
        version < 2 ? .max : min(limit, fittingPart)
    }

    /// Tokens that a sequence may have which the peer drafts for.
    var baseLimit: Int {
        min(version < 2 ? fittingPart : WireLimits.baseLength, contextLength ?? .max)
    }
}
