import NIOCore
import NIOPosix

/// How both ends of a link make their sockets.
enum LinkBootstrap {
    /// Nagle's algorithm would hold back small deltas and verdicts.
    private static let noDelay = ChannelOptions.tcpOption(.tcp_nodelay)
    /// Milliseconds after which the kernel gives up on bytes that nobody acknowledges (Linux, RFC 5482). Heartbeats
    /// find a dead peer sooner; this frees the socket that is left behind.
    private static let userTimeout = ChannelOptions.Types.SocketOption(level: .tcp, name: .init(rawValue: 18))
    private static let userTimeoutMilliseconds: SocketOptionValue = 2000
    private static let connectTimeout = TimeAmount.seconds(2)

    /// For a worker's connections.
    static func client(on eventLoop: any EventLoop) -> ClientBootstrap {
        ClientBootstrap(group: eventLoop)
            .connectTimeout(connectTimeout)
            .channelOption(noDelay, value: 1)
            .channelOption(userTimeout, value: userTimeoutMilliseconds)
    }

    /// For a verifier's socket.
    static func server(on group: any EventLoopGroup) -> ServerBootstrap {
        ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 128)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(noDelay, value: 1)
            .childChannelOption(userTimeout, value: userTimeoutMilliseconds)
    }
}
