import NIOCore

/// The end of one socket's pipeline: hands all events to the connection.
final class RelayHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let connection: RelayConnection
    private let side: RelayConnection.Side
    private var hasFailed = false

    init(_ connection: RelayConnection, _ side: RelayConnection.Side) {
        self.connection = connection
        self.side = side
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        connection.received(&bytes, at: side)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .inputClosed? = event as? ChannelEvent { connection.inputClosed(at: side) }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // An error ends the socket; the connection then tells the other one.
        hasFailed = true
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        connection.closed(at: side, hasFailed: hasFailed)
        context.fireChannelInactive()
    }
}
