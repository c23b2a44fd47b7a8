import NIOCore

/// The end of a link's pipeline: hands bytes to the transport. Framing is the machine's, so that the simulator
/// exercises the same code.
final class LinkChannelHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let id: LinkID
    private let transport: LinkTransport
    private var reason: String?

    init(id: LinkID, transport: LinkTransport) {
        self.id = id
        self.transport = transport
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        transport.received(unwrapInboundIn(data), on: id)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        reason = "\(error)"
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        transport.disconnected(id, reason: reason)
        context.fireChannelInactive()
    }
}
