import NIOCore

/// One of the two sockets, and the direction that begins there.
enum SocketSide: Int {
    case client, upstream

    var other: Self { self == .client ? .upstream : .client }
    var stream: StreamDirection { self == .client ? .upstream : .downstream }
}

/// Two joined sockets, told what happens at either of them, on their event loop.
protocol SocketPair: AnyObject {
    /// Bytes came.
    func received(_ bytes: inout ByteBuffer, at side: SocketSide)
    /// The peer sends no more, but may still read.
    func inputClosed(at side: SocketSide)
    /// The socket is closed; `hasFailed` tells an error from an orderly end.
    func closed(at side: SocketSide, hasFailed: Bool)
}

/// The end of one socket's pipeline: hands all events to the pair.
final class SocketHandler<Pair: SocketPair>: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let pair: Pair
    private let side: SocketSide
    private var hasFailed = false

    init(_ pair: Pair, _ side: SocketSide) {
        self.pair = pair
        self.side = side
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        pair.received(&bytes, at: side)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .inputClosed? = event as? ChannelEvent { pair.inputClosed(at: side) }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // An error ends the socket; the pair then tells the other one.
        hasFailed = true
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        pair.closed(at: side, hasFailed: hasFailed)
        context.fireChannelInactive()
    }
}
