package import NIOCore

/// What happens to the transport behind a link. It reaches the link's machine unchanged.
package enum LinkEvent: Sendable {
    /// The transport is up. Comes first, with random bytes for this handshake alone.
    case connected(LinkNonce)
    case received(ByteBuffer)
    /// This many bytes of earlier writes have left for the network.
    case flushed(bytes: Int)
    /// The transport could not be made.
    case unreachable(SocketFailure)
    /// The transport is gone; `reason` is nil for an orderly end of the stream.
    case disconnected(reason: String?)
    /// The transport does not trust the other side, or is not trusted by it.
    case distrusted(reason: String)
}

/// What a link wants of its transport.
package enum LinkAction: Sendable {
    case write(ByteBuffer)
    /// Stop reading, which slows the peer down. Bytes that were read already may still come.
    case pauseReading
    case resumeReading
    /// Close the transport when everything written has left, or soon if that takes long.
    case close
}
