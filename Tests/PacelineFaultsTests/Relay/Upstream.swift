import NIOCore
import NIOPosix
import PacelineCluster

/// A server that reads a connection to its end, answers, and closes it; and a client that asks one.
struct Upstream {
    typealias Connection = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    let endpoint: Endpoint
    private let listener: any Channel

    static func start(_ answer: @escaping @Sendable ([UInt8]) -> [UInt8]) async throws -> Upstream {
        let listener = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AnswerHandler(answer))
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
        let connection = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .connect(host: endpoint.host, port: endpoint.port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try Connection(
                        wrappingChannelSynchronously: channel,
                        configuration: .init(isOutboundHalfClosureEnabled: true)
                    )
                }
            }
        return try await connection.executeThenClose { inbound, outbound in
            try await outbound.write(ByteBuffer(bytes: bytes))
            outbound.finish()
            var answer: [UInt8] = []
            for try await part in inbound { answer += Array(part.readableBytesView) }
            return answer
        }
    }
}

private final class AnswerHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let answer: @Sendable ([UInt8]) -> [UInt8]
    private var received: [UInt8] = []

    init(_ answer: @escaping @Sendable ([UInt8]) -> [UInt8]) {
        self.answer = answer
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        received += Array(unwrapInboundIn(data).readableBytesView)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .inputClosed? = event as? ChannelEvent else { return }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: answer(received)))).assumeIsolated().whenComplete { _ in
            context.close(promise: nil)
        }
    }
}
