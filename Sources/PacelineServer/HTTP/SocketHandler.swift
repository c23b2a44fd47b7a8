import NIOCore

/// Ends connections well: whoever takes nothing is cut off, and everybody else gets all bytes before the socket closes.
///
/// A socket that is closed while it holds bytes from the client sends a reset, which can destroy the answer on its way.
/// So this direction is closed first, and the socket when the client has closed its own, or after a moment.
///
/// Stands next to the socket.
final class SocketHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    private let writeTimeout: TimeAmount
    private let lingering: TimeAmount
    private var context: ChannelHandlerContext?
    /// The writes whose bytes have not all left.
    private var waitingWrites = 0
    /// The bytes of all writes.
    private var writtenBytes = 0
    private var watch: Scheduled<Void>?
    private var end: Scheduled<Void>?
    private var isClosing = false
    private var isInputClosed = false

    /// - Parameters:
    ///   - writeTimeout: how long a client may take none of the bytes that wait for it.
    ///   - lingering: how long a client may keep its direction open after this one is closed.
    init(writeTimeout: TimeAmount, lingering: TimeAmount) {
        self.writeTimeout = writeTimeout
        self.lingering = lingering
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        watch?.cancel()
        end?.cancel()
        self.context = nil
    }

    // MARK: Bytes out

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let promise = promise ?? context.eventLoop.makePromise(of: Void.self)
        waitingWrites += 1
        writtenBytes += unwrapOutboundIn(data).readableBytes
        promise.futureResult.assumeIsolated().whenComplete { [self] _ in
            waitingWrites -= 1
            finishIfAllHasLeft()
        }
        context.write(data, promise: promise)
    }

    func flush(context: ChannelHandlerContext) {
        context.flush()
        if waitingWrites > 0, watch == nil { watchReader(since: takenBytes) }
    }

    /// The bytes that the kernel has taken for the client.
    private var takenBytes: Int {
        let waiting = try? context?.channel.syncOptions?.getOption(.bufferedWritableBytes)
        return writtenBytes - (waiting ?? 0)
    }

    private func watchReader(since taken: Int) {
        watch = schedule(in: writeTimeout) { handler in
            handler.watch = nil
            guard handler.waitingWrites > 0 else { return }
            let now = handler.takenBytes
            guard now > taken else { return handler.closeNow() }
            handler.watchReader(since: now)
        }
    }

    // MARK: The end

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard mode != .input else { return context.close(mode: mode, promise: promise) }
        context.channel.closeFuture.cascade(to: promise)
        guard !isClosing else { return }
        isClosing = true
        flush(context: context)
        finishIfAllHasLeft()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if !isClosing { context.fireChannelRead(data) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        context.fireChannelReadComplete()
        if isClosing { context.read() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .inputClosed? = event as? ChannelEvent { isInputClosed = true }
        context.fireUserInboundEventTriggered(event)
        finishIfAllHasLeft()
    }

    private func finishIfAllHasLeft() {
        guard isClosing, waitingWrites == 0, end == nil, let context else { return }
        guard !isInputClosed else { return closeNow() }
        end = schedule(in: lingering) { $0.closeNow() }
        context.close(mode: .output, promise: nil)
        context.read()
    }

    private func closeNow() {
        context?.close(mode: .all, promise: nil)
    }

    private func schedule(
        in limit: TimeAmount,
        _ action: @escaping @Sendable (SocketHandler) -> Void
    ) -> Scheduled<Void>? {
        context.map { context in
            let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
            return context.eventLoop.scheduleTask(in: limit) { action(handler.value) }
        }
    }
}
