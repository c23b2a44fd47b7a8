import PacelineWire

/// Deadlines and bounds of one link.
package struct LinkConfiguration: Sendable {
    /// The secret that the other side must know; nil if neither side asks for one.
    package var token: SharedToken?
    /// Protocol versions to offer; both sides use the newest they share. Two are offered, so that either side may be
    /// upgraded first.
    package var versions = WireLimits.protocolVersions
    /// The longest a handshake may take once the transport is up.
    package var handshakeTimeout: Duration = .seconds(2)
    /// The time between two pings of one side.
    package var heartbeat: Duration = .milliseconds(250)
    /// How long a peer may be silent before it is given up.
    package var deadAfter: Duration = .seconds(1)
    /// How long bytes may wait for a peer that reads nothing.
    package var writeTimeout: Duration = .seconds(2)
    /// How many bytes may wait for a peer.
    package var outboundLimit = 4 << 20
    /// The most tokens of a base in one message, if the peer's version can split it. Bounds how long a long base
    /// occupies the loop that serves everyone.
    package var basePart = 1 << 14
    /// How many waiting bytes hold back the next part of a base, for the same reason.
    package var baseWindow = 1 << 17
    /// How many waiting bytes hold back features.
    package var featureWindow = 1 << 20
    /// How many pings a peer may send within one of our heartbeats.
    package var pingLimit = 32
    /// How long the compute thread may show no progress before this process falls silent.
    package var stallLimit: Duration = .milliseconds(500)

    /// How many messages of a peer are read in one turn, and how long it then waits for the next turn.
    package var messagesPerTurn = 32
    package var turnInterval: Duration = .microseconds(200)
    /// How fast a peer may send in the long run, and how much at once. Anything beyond waits in the network.
    package var inboundBytesPerSecond = 16 << 20
    package var inboundBurst = 4 << 20

    package init() {}
}
