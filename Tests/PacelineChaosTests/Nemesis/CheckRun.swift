import AsyncHTTPClient
import NIOCore
import NIOPosix
import PacelineCluster

@testable import PacelineChaos

/// One try of a check.
enum CheckRun {
    static func ask(_ check: ServiceCheck) async throws -> String? {
        let http = CheckProbe.client(on: MultiThreadedEventLoopGroup.singleton)
        let probe = CheckProbe(check: check, http: http, group: MultiThreadedEventLoopGroup.singleton)
        let failure = await probe.ask()
        try await http.shutdown()
        return failure
    }
}

/// A server that answers the first bytes of every client with the same, and closes.
struct OneAnswer {
    let endpoint: Endpoint
    private let listener: any Channel

    static func start(_ answer: String) async throws -> OneAnswer {
        let listener = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Handler(answer: answer))
                }
            }
            .bind(host: "127.0.0.1", port: 0)
            .get()
        let port = listener.localAddress?.port ?? 0
        return OneAnswer(endpoint: Endpoint(host: "127.0.0.1", port: port), listener: listener)
    }

    func stop() async throws {
        try await listener.close()
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let answer: String

        init(answer: String) {
            self.answer = answer
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let bound = context.loopBound
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: answer))).whenComplete { _ in
                bound.value.close(promise: nil)
            }
        }
    }
}
