package import NIOCore

/// Bounds that keep one client from hurting the others.
package struct GatewayConfiguration: Sendable {
    /// Bytes of a request's body.
    package var bodyLimit = 1 << 20
    /// Connections that are open at once; more are closed as they come.
    package var connectionLimit = 512
    /// How long a connection may wait for its next request.
    package var idleTimeout = TimeAmount.seconds(60)
    /// How long a request may take to come in.
    package var requestTimeout = TimeAmount.seconds(10)
    /// How long a client may take none of the bytes that wait for it.
    package var writeTimeout = TimeAmount.seconds(10)

    package init() {}
}
