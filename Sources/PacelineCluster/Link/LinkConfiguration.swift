import PacelineWire

/// Deadlines and bounds of one link.
package struct LinkConfiguration: Sendable {
    /// The secret that the other side must know; nil asks for none, and suits only a peer that asks for none.
    package var token: SharedToken?
    /// Protocol versions to speak, the newest that both sides have; the last two, so that either side may be upgraded
    /// first.
    package var versions = WireLimits.protocolVersions
    /// From the transport being up to the end of the handshake.
    package var handshakeTimeout: Duration = .seconds(2)
    /// Between two pings of one side.
    package var heartbeat: Duration = .milliseconds(250)
    /// Silence after which the peer is given up.
    package var deadAfter: Duration = .seconds(1)
    /// How long bytes may wait for a peer that takes none.
    package var writeTimeout: Duration = .seconds(2)
    /// Bytes that may wait for a peer.
    package var outboundLimit = 4 << 20
    /// Tokens of a base that one message carries at most, where the peer speaks a version that can cut it; and no part
    /// is sent while so many bytes wait for the peer. Both bound how long a long base holds up the loop that serves
    /// all.
    package var basePart = 1 << 14
    package var baseWindow = 1 << 17
    /// Pings that a peer may send within one of our heartbeats.
    package var pingLimit = 32
    /// How long the compute thread may show no progress before this process falls silent.
    package var stallLimit: Duration = .milliseconds(500)

    /// Messages that a peer gets read before others have their turn, and how long its next turn is away.
    package var messagesPerTurn = 32
    package var turnInterval: Duration = .microseconds(200)
    /// How fast a peer may send in the long run, and how much at once; more stays in the network.
    package var inboundBytesPerSecond = 16 << 20
    package var inboundBurst = 4 << 20

    package init() {}
}
