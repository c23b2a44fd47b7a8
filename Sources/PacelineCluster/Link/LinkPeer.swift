package import PacelineSpeculation
package import PacelineWire

/// The other side of an established link, as the handshake showed it.
package struct LinkPeer: Sendable, Equatable {
    /// The protocol version that both sides speak on this link.
    package var version: Int
    /// Shown to people; not unique.
    package var name: String
    /// Random id of the peer's process life.
    package var incarnation: UInt64
    /// The drafter's or the target's model; nil for a model-free drafter.
    package var fingerprint: ModelFingerprint?
    /// Every token id on the link is below this.
    package var vocabularySize: Int
    package var capabilities: LinkCapabilities
    /// Which of the target's features the verifier tells the worker, as both have agreed; nil for none.
    package var features: FeatureDemand?
    /// How many requests the worker drafts for at once. At the worker's own end, what it offered.
    package var slots: Int
    /// Longest base and tree that the drafter can hold; nil for no bound.
    package var contextLength: Int?
    package var limits: LinkLimits
    package var heartbeat: Duration
    package var deadAfter: Duration
}

extension LinkPeer {
    /// Bytes of an `Open` without its base, most of which are 1,024 biased tokens.
    private static let openBytes = 8 << 10

    /// How many tokens of a base always fit one message.
    private var fittingPart: Int {
        min(WireLimits.basePart, (limits.framePayload - Self.openBytes) / WireLimits.tokenBytes)
    }

    /// How many tokens of a base one message should carry: at most `limit` if the version can split a base.
    func basePart(limit: Int) -> Int {
        version < 2 ? .max : min(limit, fittingPart)
    }

    /// Whether the peer is to be told what a request's text must be. Without knowing it, it drafts less well, so a
    /// large one is left out rather than sent in parts.
    func takes(_ constraint: DraftConstraint) -> Bool {
        let limit = min(WireLimits.grammarBytes, limits.framePayload / 4)
        return capabilities.contains(.constraints) && constraint.grammar.utf8.count <= limit
    }

    /// The longest sequence that the peer can draft for, in tokens.
    var baseLimit: Int {
        min(version < 2 ? fittingPart : WireLimits.baseLength, contextLength ?? .max)
    }
}
