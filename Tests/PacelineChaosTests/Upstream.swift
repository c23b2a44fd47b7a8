import NIOCore
import NIOPosix
import PacelineCluster

/// A server that reads a connection to its end, answers, and closes it; and a client that asks one.
struct Upstream {
    typealias Connection = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    let endpoint: Endpoint
    private let listener: any Channel

    /// - Parameters:
    ///   - greeting: sent to every client at once, followed by the end of this direction.
    ///   - answer: gets all that a client has sent; what it returns is sent unless there was a greeting.
    static func start(
        greeting: [UInt8]? = nil,
        _ answer: @escaping @Sendable ([UInt8]) -> [UInt8]
    ) async throws -> Upstream {
        let listener = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AnswerHandler(greeting: greeting, answer))
                }
            }
            .bind(host: "127.0.0.1", port: 0)
            .get()
        return Upstream(
            endpoint: Endpoint(host: "127.0.0.1", port: listener.localAddress?.port ?? 0),
            listener: listener
        )
    }

    func stop() async throws {
        try await listener.close()
    }

    /// Sends `bytes`, ends its direction, and returns what comes back.
    static func ask(_ endpoint: Endpoint, _ bytes: [UInt8]) async throws -> [UInt8] {
        try await connect(endpoint).executeThenClose { inbound, outbound in
            try await outbound.write(ByteBuffer(bytes: bytes))
            outbound.finish()
            return try await collect(inbound)
        }
    }

    /// Reads until the other direction ends, and sends `bytes` only then.
    static func hear(_ endpoint: Endpoint, thenSend bytes: [UInt8]) async throws -> [UInt8] {
        let connection = try await connect(endpoint)
        return try await connection.executeThenClose { inbound, _ in
            let heard = try await collect(inbound)
            // The second end closes the socket, and would drop what has not left.
            try await connection.channel.writeAndFlush(ByteBuffer(bytes: bytes))
            return heard
        }
    }

    private static func collect(_ inbound: NIOAsyncChannelInboundStream<ByteBuffer>) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        for try await part in inbound { bytes += Array(part.readableBytesView) }
        return bytes
    }

    private static func connect(_ endpoint: Endpoint) async throws -> Connection {
        try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .connect(host: endpoint.host, port: endpoint.port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try Connection(
                        wrappingChannelSynchronously: channel,
                        configuration: .init(isOutboundHalfClosureEnabled: true)
                    )
                }
            }
    }
}

private final class AnswerHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let greeting: [UInt8]?
    private let answer: @Sendable ([UInt8]) -> [UInt8]
    private var received: [UInt8] = []

    init(greeting: [UInt8]?, _ answer: @escaping @Sendable ([UInt8]) -> [UInt8]) {
        self.greeting = greeting
        self.answer = answer
    }

    func channelActive(context: ChannelHandlerContext) {
        guard let greeting else { return }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: greeting)), promise: nil)
        context.close(mode: .output, promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        received += Array(unwrapInboundIn(data).readableBytesView)
    }

    func channelInactive(context: ChannelHandlerContext) {
        // Where this direction ended first, the end of the other one closes the socket without another event.
        if greeting != nil { _ = answer(received) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .inputClosed? = event as? ChannelEvent else { return }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: answer(received)))).assumeIsolated().whenComplete { _ in
            context.close(promise: nil)
        }
    }
}
