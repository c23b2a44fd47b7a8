/// What an operator decides about a relay.
package struct RelayConfiguration: Sendable {
    /// What bytes pass on their way to the upstream, in this order.
    package var upstream: [Toxic] = []
    /// What bytes pass on their way to the clients, in this order.
    package var downstream: [Toxic] = []
    /// Of all jitter. A connection's jitter depends on it, on the connection's number and on the direction alone.
    package var seed: UInt64 = 1
    /// Bytes that one direction of one connection may hold; what a connection can have on its way.
    package var bufferBytes = 1 << 20
    /// Connections that may be open at once.
    package var connectionLimit = 256
    /// Whether to listen where other machines can connect.
    package var allowsRemoteClients = false

    package init() {}
}
