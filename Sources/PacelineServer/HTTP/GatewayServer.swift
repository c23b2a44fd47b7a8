import Glibc
package import Logging
package import NIOCore
import NIOHTTP1
import NIOPosix
package import PacelineCluster
import Synchronization

/// Accepts HTTP/1.1 connections and hands their requests to a responder.
package struct GatewayServer: Sendable {
    package typealias Responder = @Sendable (PlainRequest, ResponseWriter) async throws -> Void

    private let configuration: GatewayConfiguration
    private let logger: Logger

    package init(configuration: GatewayConfiguration = GatewayConfiguration(), logger: Logger) {
        self.configuration = configuration
        self.logger = logger
    }

    /// Serves `address` for as long as `body` runs.
    ///
    /// - Parameters:
    ///   - respond: answers one request; many run at once.
    ///   - body: gets the address that was bound, whose port is real even if 0 was asked for.
    /// - Throws: ``ShellError`` when the address cannot be bound, and what `body` throws.
    package func serve(
        on address: Endpoint,
        group: any EventLoopGroup,
        respond: @escaping Responder,
        while body: @escaping @Sendable (Endpoint) async throws -> Void
    ) async throws {
        let listener = try await bind(address, group: group)
        let port = listener.channel.localAddress?.port ?? address.port
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await accept(listener, respond) }
            group.addTask { try await body(Endpoint(host: address.host, port: port)) }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func accept(
        _ listener: NIOAsyncChannel<GatewayConnection.Inbound, Never>,
        _ respond: @escaping Responder
    ) async throws {
        let open = ConnectionCount()
        let memory = BodyMemory(bytes: configuration.bodyMemory)
        try await listener.executeThenClose { connections in
            try await withThrowingDiscardingTaskGroup { group in
                for try await connection in connections {
                    guard open.enter(limit: configuration.connectionLimit) else {
                        logger.warning("closed a connection: \(configuration.connectionLimit) are open already")
                        group.addTask { try? await connection.executeThenClose { _ in } }
                        continue
                    }
                    group.addTask {
                        defer { open.leave() }
                        await GatewayConnection.serve(
                            connection,
                            configuration: configuration,
                            memory: memory,
                            respond: respond
                        )
                    }
                }
            }
        }
    }

    private func bind(
        _ address: Endpoint,
        group: any EventLoopGroup
    ) async throws -> NIOAsyncChannel<GatewayConnection.Inbound, Never> {
        do {
            return try await ServerBootstrap(group: group)
                .serverChannelOption(.backlog, value: 256)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
                .childChannelOption(.allowRemoteHalfClosure, value: true)
                .bind(host: address.host, port: address.port) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let answer = AnswerProgress()
                        try channel.pipeline.syncOperations.addHandler(HalfClosedClient(answer))
                        try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                        try channel.pipeline.syncOperations.addHandler(answer)
                        return try GatewayConnection.Inbound(wrappingChannelSynchronously: channel)
                    }
                }
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            throw ShellError.addressInUse(address: "\(address)")
        } catch {
            throw ShellError.cannotListen(address: "\(address)", reason: "\(error); choose another address or port")
        }
    }
}

/// How many connections are open.
private final class ConnectionCount: Sendable {
    private let count = Mutex(0)

    func enter(limit: Int) -> Bool {
        count.withLock { count in
            guard count < limit else { return false }
            count += 1
            return true
        }
    }

    func leave() {
        count.withLock { $0 -= 1 }
    }
}
