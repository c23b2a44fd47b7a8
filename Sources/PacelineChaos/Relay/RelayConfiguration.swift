/// The settings of a relay.
package struct RelayConfiguration: Sendable {
    /// Applied to bytes on their way to the upstream, in this order.
    package var upstream: [Toxic] = []
    /// Applied to bytes on their way to the clients, in this order.
    package var downstream: [Toxic] = []
    /// Of all jitter, which depends only on the seed, the connection's number and the direction.
    package var seed: UInt64 = 1
    /// Bytes that one direction of one connection may have on their way.
    package var bufferBytes = 1 << 20
    /// Connections that may be open at once.
    package var connectionLimit = 256
    /// Whether to listen where other machines can connect.
    package var allowsRemoteClients = false

    package init() {}
}
