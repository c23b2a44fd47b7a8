import NIOCore

/// Finds out whether a client that has ended its direction of the connection still listens.
///
/// To TCP, a client that has closed its socket looks like one that has only finished sending. The latter calls
/// `shutdown(SHUT_WR)`, as nc and some proxies do. Their kernels treat arriving bytes differently: only a closed socket
/// answers with a reset. The reset closes the channel here and so ends the request. So while such a client waits, the
/// server sends it bytes now and then that belong to every answer. These are the beginning of the status line, or a
/// comment in a stream of events.
///
/// Stands before the HTTP codec.
final class HalfClosedClient: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    /// What the status line of every answer begins with, whatever version the request has.
    private static let statusLine = Array("HTTP/1.".utf8)
    /// From the first probe to the second.
    private static let firstPause = TimeAmount.milliseconds(250)
    /// How many times as long every pause is as the one before.
    private static let growth: Int64 = 4
    /// A stream of events can be probed for ever, a status line has an end.
    private static let longestPauseOfEvents = TimeAmount.seconds(15)

    private let exchange: ExchangeHandler
    /// Bytes of the coming answer's status line that have left already.
    private var sentAhead = 0

    /// - Parameter exchange: stands behind the HTTP codec of the same channel.
    init(_ exchange: ExchangeHandler) {
        self.exchange = exchange
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        exchange.bytesArrived()
        context.fireChannelRead(data)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        context.fireUserInboundEventTriggered(event)
        if case .inputClosed? = event as? ChannelEvent { probe(context, pause: Self.firstPause) }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard sentAhead > 0, case .byteBuffer(var bytes) = unwrapOutboundIn(data) else {
            return context.write(data, promise: promise)
        }
        bytes.moveReaderIndex(forwardBy: min(sentAhead, bytes.readableBytes))
        sentAhead = 0
        context.write(wrapOutboundOut(.byteBuffer(bytes)), promise: promise)
    }

    private func probe(_ context: ChannelHandlerContext, pause: TimeAmount) {
        guard context.channel.isActive else { return }
        var next = pause * Self.growth
        switch exchange.phase {
        case .idle, .receiving, .whole, .over: break
        case .events:
            exchange.send(EventStream.comment)
            next = min(next, Self.longestPauseOfEvents)
        case .due:
            guard sentAhead < Self.statusLine.count else { break }
            let byte = ByteBuffer(bytes: [Self.statusLine[sentAhead]])
            sentAhead += 1
            context.writeAndFlush(wrapOutboundOut(.byteBuffer(byte)), promise: nil)
        }
        let (handler, context) = (NIOLoopBound(self, eventLoop: context.eventLoop), context.loopBound)
        context.eventLoop.assumeIsolated().scheduleTask(in: pause) { [next] in
            handler.value.probe(context.value, pause: next)
        }
    }
}
