import Glibc
import NIOCore
import NIOSSL
import NIOTLS

/// The end of a link's pipeline: hands bytes to the transport. The link's machine does the framing, so the simulator
/// exercises the same code.
final class LinkChannelHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let id: LinkID
    private let transport: LinkTransport
    /// Nil without TLS.
    private let tls: LinkTLS?
    private var reason: String?
    /// The peer is not trusted, and its bytes are ignored.
    private var isDistrusted = false

    init(id: LinkID, transport: LinkTransport, tls: LinkTLS?) {
        self.id = id
        self.transport = transport
        self.tls = tls
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isDistrusted else { return }
        transport.received(unwrapInboundIn(data), on: id)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let tls, case .handshakeCompleted? = event as? TLSUserEvent,
            let objection = tls.objection(to: Self.certificate(of: context))
        {
            isDistrusted = true
            // Later, because TLS is in the middle of its own turn and the machine will want to tell the peer why.
            let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
            context.eventLoop.execute { handler.value.distrust(objection) }
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if tls == nil {
            reason = "\(SocketFailure(error))"
        } else {
            switch TLSFailure(error, certificate: Self.certificate(of: context), now: time(nil)) {
            case .distrust(let why): distrust(why)
            case .broken(let why): reason = reason ?? why
            }
        }
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        transport.disconnected(id, reason: reason)
        context.fireChannelInactive()
    }

    private func distrust(_ reason: String) {
        isDistrusted = true
        transport.distrusted(id, reason: reason)
    }

    /// The peer's certificate, even if TLS did not accept it.
    private static func certificate(of context: ChannelHandlerContext) -> NIOSSLCertificate? {
        try? context.pipeline.syncOperations.handler(type: NIOSSLHandler.self).peerCertificate
    }
}
