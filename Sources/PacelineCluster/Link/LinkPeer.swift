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
    /// Of the target.
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
