/// A connection that came in, as the transport sees it.
package struct LinkArrival: Sendable, Equatable {
    /// The peer's address without its port; what one machine may take up is counted by it.
    package var host: String
    /// For this connection's handshake alone.
    package var nonce: LinkNonce

    package init(host: String, nonce: LinkNonce) {
        self.host = host
        self.nonce = nonce
    }
}
