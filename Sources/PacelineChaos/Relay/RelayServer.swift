package import Logging
import NIOCore
import NIOPosix
package import PacelineCluster

/// A running relay: every connection to it is joined to a new one to the upstream, with toxics between.
package final class RelayServer: Sendable {
    /// Where clients connect.
    package let endpoint: Endpoint
    private let group: MultiThreadedEventLoopGroup
    private let shell: NIOLoopBound<RelayShell>
    private let listener: any Channel

    private init(
        endpoint: Endpoint,
        group: MultiThreadedEventLoopGroup,
        shell: NIOLoopBound<RelayShell>,
        listener: any Channel
    ) {
        self.endpoint = endpoint
        self.group = group
        self.shell = shell
        self.listener = listener
    }

    /// Starts to listen. Whether the upstream can be reached shows when a client connects.
    ///
    /// - Throws: ``RelayError`` or ``ShellError``.
    package static func start(
        _ configuration: RelayConfiguration,
        listen: Endpoint,
        target: Endpoint,
        logger: Logger
    ) async throws -> RelayServer {
        let address = try resolve(listen, allowsRemoteClients: configuration.allowsRemoteClients)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let eventLoop = group.next()
        let shell = try await eventLoop.submit {
            let shell = RelayShell(configuration, target: target, eventLoop: eventLoop, logger: logger)
            return NIOLoopBound(shell, eventLoop: eventLoop)
        }.get()
        do {
            let bootstrap = ServerBootstrap(group: group)
                .serverChannelOption(ChannelOptions.socketOption(.so_reuseaddr), value: 1)
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture { try shell.value.accept(channel) }
                }
            let listener = try await ProxySockets.prepare(bootstrap).bind(to: address).get()
            let port = listener.localAddress?.port ?? listen.port
            let endpoint = Endpoint(host: listen.host, port: port)
            return RelayServer(endpoint: endpoint, group: group, shell: shell, listener: listener)
        } catch {
            try? await group.shutdownGracefully()
            throw ShellError(listeningOn: listen, error)
        }
    }

    /// What the relay has done so far, open connections included.
    package func statistics() async throws -> RelayStatistics {
        let shell = shell
        return try await shell.eventLoop.submit { shell.value.statistics }.get()
    }

    /// Closes everything at once, and returns what was done.
    package func shutdown() async throws -> RelayStatistics {
        let shell = shell
        let statistics = try await statistics()
        try? await listener.close()
        try await shell.eventLoop.submit { shell.value.closeAll() }.get()
        try await group.shutdownGracefully()
        return statistics
    }

    private static func resolve(_ listen: Endpoint, allowsRemoteClients: Bool) throws -> SocketAddress {
        let address = try listen.resolved()
        guard allowsRemoteClients || address.isLoopback else { throw RelayError.remote("\(listen)") }
        return address
    }
}

/// Why a relay could not start.
package enum RelayError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Other machines could reach the relay, and through it the upstream.
    case remote(String)

    package var description: String {
        switch self {
        case .remote(let address):
            "other machines can reach \(address), and through it an upstream that may rely on being local; listen on "
                + "127.0.0.1 or ::1, or pass --allow-remote"
        }
    }
}
