import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import Synchronization

/// One client's connection: Hummingbird's HTTP/1 channel between handlers that keep its bounds.
struct ServerConnection: ServerChildChannel {
    /// Whether the connection of the running task is one too many; it gets an answer, but no service.
    @TaskLocal static var isBeyondLimit = false

    private let channel: HTTP1Channel
    private let configuration: HTTPServerConfiguration
    private let isDraining: @Sendable () -> Bool
    private let open = ConnectionCount()

    /// - Parameters:
    ///   - respond: answers one request; it is cancelled when the client goes away.
    ///   - isDraining: whether every connection ends with its next answer.
    init(
        _ configuration: HTTPServerConfiguration,
        isDraining: @escaping @Sendable () -> Bool,
        respond: @escaping HTTPChannelHandler.Responder
    ) {
        channel = HTTP1Channel(responder: respond)
        self.configuration = configuration
        self.isDraining = isDraining
    }

    func setup(channel socket: any Channel, logger: Logger) -> EventLoopFuture<HTTP1Channel.Value> {
        channel.setup(channel: socket, logger: logger).flatMapThrowing { value in
            let pipeline = socket.pipeline.syncOperations
            let exchange = ExchangeHandler(configuration, isDraining: isDraining)
            let encoder = try pipeline.handler(type: HTTPResponseEncoder.self)
            let decoder = try pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
            try pipeline.addHandlers([HTTPServerPipelineHandler(), exchange], position: .after(decoder))
            try pipeline.addHandler(HalfClosedClient(exchange), position: .before(encoder))
            let end = SocketHandler(writeTimeout: configuration.writeTimeout, lingering: configuration.lingering)
            try pipeline.addHandler(end, position: .first)
            return value
        }
    }

    func handle(value: HTTP1Channel.Value, logger: Logger) async {
        let number = open.enter()
        defer { open.leave() }
        let beyond = number - configuration.connectionLimit
        guard beyond <= configuration.refusalLimit else {
            // Nothing came of this connection yet.
            try? await value.channel.close()
            return
        }
        await Self.$isBeyondLimit.withValue(beyond > 0) {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await channel.handle(value: value, logger: logger) }
                // Hummingbird notices a client that has gone away only when it writes.
                group.addTask { try? await value.channel.closeFuture.get() }
                await group.next()
                group.cancelAll()
            }
        }
    }
}

/// How many connections are open.
private final class ConnectionCount: Sendable {
    private let count = Mutex(0)

    /// - Returns: how many are open with this one.
    func enter() -> Int {
        count.withLock { count in
            count += 1
            return count
        }
    }

    func leave() {
        count.withLock { $0 -= 1 }
    }
}
