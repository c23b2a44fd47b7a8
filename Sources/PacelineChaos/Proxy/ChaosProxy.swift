import Logging
import NIOCore
import NIOPosix
import PacelineCluster

/// A listening proxy: each connection to it is joined to a new one to the upstream, with toxics between.
final class ChaosProxy: Sendable {
    /// Where clients connect.
    let endpoint: Endpoint
    private let shell: NIOLoopBound<ProxyShell>
    private let listener: any Channel

    private init(endpoint: Endpoint, shell: NIOLoopBound<ProxyShell>, listener: any Channel) {
        self.endpoint = endpoint
        self.shell = shell
        self.listener = listener
    }

    /// Starts to listen. Whether the upstream can be reached shows when a client connects.
    ///
    /// - Parameter past: what a proxy of the same name has done before.
    /// - Throws: ``ShellError``.
    static func start(
        _ plan: ProxyPlan,
        listen: Endpoint,
        toxics: [ToxicDefinition],
        past: ProxyStatistics,
        on loop: any EventLoop,
        report: ProxyReport
    ) async throws -> ChaosProxy {
        let shell = try await loop.submit {
            let shell = ProxyShell(plan, toxics: toxics, past: past, on: loop, report: report)
            return NIOLoopBound(shell, eventLoop: loop)
        }.get()
        do {
            let bootstrap = ServerBootstrap(group: loop)
                .serverChannelOption(ChannelOptions.socketOption(.so_reuseaddr), value: 1)
                .serverChannelOption(ChannelOptions.backlog, value: 1024)
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture { try shell.value.accept(channel) }
                }
            let listener = try await ProxySockets.prepare(bootstrap).bind(host: listen.host, port: listen.port).get()
            let bound = listener.localAddress
            let endpoint = Endpoint(host: bound?.ipAddress ?? listen.host, port: bound?.port ?? listen.port)
            return ChaosProxy(endpoint: endpoint, shell: shell, listener: listener)
        } catch {
            throw ShellError(listeningOn: listen, error)
        }
    }

    /// Stops to listen, closes every connection, and returns what was done.
    func stop() async throws -> ProxyStatistics {
        try? await listener.close()
        try await run { $0.closeAll() }
        // By now the sockets have told that they are closed.
        return try await run { $0.finalStatistics }
    }

    func statistics() async throws -> ProxyStatistics {
        try await run { $0.statistics }
    }

    /// Runs `body` on the proxy's event loop.
    func run<Result: Sendable>(_ body: @escaping @Sendable (ProxyShell) -> Result) async throws -> Result {
        try await shell.eventLoop.submit { [shell] in body(shell.value) }.get()
    }
}
