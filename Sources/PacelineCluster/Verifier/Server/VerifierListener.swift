import Logging
import NIOCore
import NIOPosix

/// The socket on which a verifier takes connections.
enum VerifierListener {
    /// - Parameter isAuthenticated: whether workers must say who they are.
    /// - Throws: ``ShellError`` if the host does not resolve, or a public address has no authentication.
    static func resolve(_ endpoint: Endpoint, isAuthenticated: Bool) throws(ShellError) -> SocketAddress {
        let address = try endpoint.resolved()
        guard isAuthenticated || address.isLoopback else { throw .openLink(address: "\(endpoint)") }
        return address
    }

    static func bind(
        _ address: SocketAddress,
        _ endpoint: Endpoint,
        on loop: ShellLoop<VerifierShell>,
        shell: NIOLoopBound<VerifierShell>,
        logger: Logger
    ) async throws -> any Channel {
        do {
            return try await LinkBootstrap.server(on: loop.group)
                .serverChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(AcceptErrorHandler(logger: logger))
                    }
                }
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture { try shell.value.accept(channel) }
                }
                .bind(to: address)
                .get()
        } catch {
            throw ShellError(listeningOn: endpoint, error)
        }
    }
}

/// Logs why a connection could not be accepted, and goes on listening.
private final class AcceptErrorHandler: ChannelInboundHandler {
    typealias InboundIn = any Channel

    /// How long to stop accepting when no descriptor is left. The connection keeps waiting; without a pause the loop
    /// would fail to accept it again and again, and fill the log.
    private static let pause = TimeAmount.milliseconds(500)

    private let logger: Logger

    init(logger: Logger) {
        self.logger = logger
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        let failure = SocketFailure(error)
        logger.warning("a connection could not be accepted: \(failure)")
        guard failure == .tooManyFiles else { return }
        Self.setAccepting(false, context.channel)
        context.eventLoop.assumeIsolated().scheduleTask(in: Self.pause) { [channel = context.channel] in
            Self.setAccepting(true, channel)
        }
    }

    private static func setAccepting(_ isOn: Bool, _ channel: any Channel) {
        // If the option cannot be set, the channel is closed.
        try? channel.syncOptions?.setOption(.autoRead, value: isOn)
    }
}
