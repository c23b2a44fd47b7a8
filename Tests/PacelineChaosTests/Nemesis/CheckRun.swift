import AsyncHTTPClient
import NIOCore
import NIOPosix
import PacelineCluster
import Synchronization

@testable import PacelineChaos

/// One try of a check.
enum CheckRun {
    static func ask(_ check: ServiceCheck) async throws -> String? {
        let http = CheckProbe.client(on: MultiThreadedEventLoopGroup.singleton)
        let failure = await probe(check, http).ask()
        try await http.shutdown()
        return failure
    }

    static func probe(_ check: ServiceCheck, _ http: HTTPClient) -> CheckProbe {
        let group = MultiThreadedEventLoopGroup.singleton
        return CheckProbe(check: check, http: http, group: group, commands: CheckCommands(nil))
    }

    /// A command as a check runs it.
    static func run(_ command: ScheduledCommand, timeout: Duration) async throws -> CommandRun.Outcome {
        try await CommandRun.run(command, timeout: timeout, CheckCommands(nil))
    }
}

/// A server that answers the first bytes of every client with the same, and closes; perhaps only when so many ask.
struct OneAnswer {
    let endpoint: Endpoint
    private let listener: any Channel

    static func start(_ answer: String, gathering count: Int = 1) async throws -> OneAnswer {
        let crowd = Crowd(count)
        let listener = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Handler(answer: answer, crowd))
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
        private let crowd: Crowd

        init(answer: String, _ crowd: Crowd) {
            (self.answer, self.crowd) = (answer, crowd)
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let (channel, answer) = (context.channel, answer)
            crowd.join {
                channel.writeAndFlush(ByteBuffer(string: answer)).whenComplete { _ in channel.close(promise: nil) }
            }
        }
    }

    /// Those who have asked and are not answered.
    private final class Crowd: Sendable {
        private let count: Int
        private let waiting = Mutex<[@Sendable () -> Void]>([])

        init(_ count: Int) {
            self.count = count
        }

        func join(_ answer: @escaping @Sendable () -> Void) {
            let ready = waiting.withLock { waiting in
                waiting.append(answer)
                guard waiting.count >= count else { return [@Sendable () -> Void]() }
                defer { waiting = [] }
                return waiting
            }
            for answer in ready { answer() }
        }
    }
}
