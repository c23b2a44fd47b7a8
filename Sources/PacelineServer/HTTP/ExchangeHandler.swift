import HTTPTypes
import NIOCore
import NIOHTTP1

/// Keeps a connection's ``Exchange``: its deadlines, its `connection` headers, and the answers to what is not HTTP.
///
/// Stands behind the HTTP codec, which hands over one request at a time.
final class ExchangeHandler: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private let configuration: HTTPServerConfiguration
    private let isEnding: @Sendable () -> Bool
    private var exchange = Exchange()
    private var context: ChannelHandlerContext?
    private var deadline: Scheduled<Void>?
    /// Whether bytes of the next request have come.
    private var hasBegun = false
    /// Whether the rest of the request has not come in time.
    private var isLate = false

    /// - Parameter isEnding: whether every connection ends with its next answer.
    init(_ configuration: HTTPServerConfiguration, isEnding: @escaping @Sendable () -> Bool) {
        self.configuration = configuration
        self.isEnding = isEnding
    }

    var phase: Exchange.Phase { exchange.phase }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        setDeadline(configuration.idleTimeout)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        setDeadline(nil)
        self.context = nil
    }

    // MARK: Requests

    /// Bytes have come, which may be a part of a head.
    func bytesArrived() {
        guard exchange.phase == .idle, !hasBegun else { return }
        hasBegun = true
        setDeadline(configuration.requestTimeout)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard exchange.phase != .over else { return }
        switch unwrapInboundIn(data) {
        case .head(let head):
            hasBegun = true
            setDeadline(configuration.requestTimeout)
            context.fireChannelRead(wrapInboundOut(.head(exchange.receive(head))))
            if expectsContinue(head) {
                let informational = HTTPResponseHead(version: head.version, status: .continue)
                context.writeAndFlush(wrapOutboundOut(.head(informational)), promise: nil)
            }
        case .body: context.fireChannelRead(data)
        case .end:
            exchange.receiveEnd()
            setDeadline(nil)
            context.fireChannelRead(data)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let fault = error as? HTTPParserError { refuse(isLate ? .requestTimeout() : .notHTTP(fault)) }
        context.fireErrorCaught(error)
    }

    private func expectsContinue(_ head: HTTPRequestHead) -> Bool {
        head.headers[canonicalForm: "expect"].contains { $0.lowercased() == "100-continue" }
            && (head.headers.first(name: "content-length").flatMap { Int($0) } ?? 0) <= configuration.bodyLimit
    }

    // MARK: Answers

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard exchange.phase != .over else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        switch unwrapOutboundIn(data) {
        case .head(let head) where head.status.code >= 200:
            context.write(wrapOutboundOut(.head(exchange.begin(head, isLast: isEnding()))), promise: promise)
        case .body where exchange.isHead: promise?.succeed()
        case .head, .body: context.write(data, promise: promise)
        case .end:
            // First, because the codec hands over the next request as it writes the end.
            let goesOn = exchange.end()
            hasBegun = false
            setDeadline(goesOn ? configuration.idleTimeout : nil)
            context.write(data, promise: promise)
            guard !goesOn else { return }
            context.flush()
            context.close(promise: nil)
        }
    }

    /// Sends a part of an event stream, whose head the application has sent.
    ///
    /// - Returns: a future of the time when the bytes have left.
    @discardableResult
    func send(_ bytes: ByteBuffer) -> EventLoopFuture<Void>? {
        guard let context, exchange.phase == .events else { return nil }
        let promise = context.eventLoop.makePromise(of: Void.self)
        context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(bytes))), promise: promise)
        return promise.futureResult
    }

    /// Sends a part of the event stream of `channel`; at once if called on its loop.
    ///
    /// - Returns: a future of the time when the bytes have left.
    static func send(_ bytes: ByteBuffer, on channel: any Channel) -> EventLoopFuture<Void> {
        guard channel.eventLoop.inEventLoop else { return channel.eventLoop.flatSubmit { send(bytes, on: channel) } }
        return (try? of(channel))?.send(bytes) ?? channel.eventLoop.makeFailedFuture(ChannelError.ioOnClosedChannel)
    }

    /// The handler of `channel`, for those who are on its loop.
    static func of(_ channel: any Channel) throws -> ExchangeHandler {
        try channel.pipeline.syncOperations.handler(type: ExchangeHandler.self)
    }

    /// Answers what is no request, and ends the connection.
    private func refuse(_ error: APIError) {
        guard let context else { return }
        let isUnanswered = [.idle, .receiving, .due].contains(exchange.phase)
        let withBody = !exchange.isHead
        defer { context.close(promise: nil) }
        guard isUnanswered, let (head, body) = try? ErrorBody.message(error) else { return exchange.abandon() }
        context.write(wrapOutboundOut(.head(exchange.begin(head, isLast: true))), promise: nil)
        if withBody { context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil) }
        exchange.abandon()
        setDeadline(nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }

    // MARK: Deadlines

    /// Replaces the deadline of the request that is to come.
    private func setDeadline(_ limit: TimeAmount?) {
        deadline?.cancel()
        deadline = limit.flatMap { limit in
            guard let context else { return nil }
            let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
            return context.eventLoop.scheduleTask(in: limit) { handler.value.deadlinePassed() }
        }
    }

    private func deadlinePassed() {
        guard let context else { return }
        guard hasBegun else { return context.close(promise: nil) }
        isLate = true
        // The codec lets an answer through only if it knows of a request, or of a fault in one.
        context.pipeline.fireErrorCaught(HTTPParserError.invalidEOFState)
    }
}

extension APIError {
    /// The answer to bytes that are no request.
    fileprivate static func notHTTP(_ fault: HTTPParserError) -> APIError {
        var error = invalidRequest("the request is not valid HTTP/1.1: \(fault)")
        if fault == .headerOverflow { error.status = .requestHeaderFieldsTooLarge }
        return error
    }
}

extension ErrorBody {
    /// The parts of an answer that the application does not write.
    fileprivate static func message(_ error: APIError) throws -> (HTTPResponseHead, ByteBuffer) {
        let body = try ByteBuffer(bytes: JSON.encode(ErrorBody(error)))
        let status = HTTPResponseStatus(statusCode: error.status.code, reasonPhrase: error.status.reasonPhrase)
        let headers: HTTPHeaders = ["content-type": "application/json", "content-length": "\(body.readableBytes)"]
        return (HTTPResponseHead(version: .http1_1, status: status, headers: headers), body)
    }
}
