/// Deadlines and bounds of one link.
package struct LinkConfiguration: Sendable, Hashable {
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
    /// Pings that a peer may send within one of our heartbeats.
    package var pingLimit = 32
    /// How long the compute thread may show no progress before this process falls silent.
    package var stallLimit: Duration = .milliseconds(500)

    package init() {}
}
