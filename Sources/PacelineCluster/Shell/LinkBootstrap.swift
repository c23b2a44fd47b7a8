import NIOCore
import NIOPosix

/// Socket options that both ends of a link use.
enum LinkBootstrap {
    /// Nagle's algorithm would hold back small deltas and verdicts.
    static let noDelay = ChannelOptions.tcpOption(.tcp_nodelay)
    /// Milliseconds after which the kernel gives up on bytes that nobody acknowledges (Linux, RFC 5482). Heartbeats
    /// find a dead peer sooner; this frees the socket that is left behind.
    static let userTimeout = ChannelOptions.Types.SocketOption(level: .tcp, name: .init(rawValue: 18))
    static let userTimeoutMilliseconds: SocketOptionValue = 2000
    static let connectTimeout = TimeAmount.seconds(2)

    /// Whether an address belongs to this machine alone.
    static func isLoopback(_ address: SocketAddress) -> Bool {
        switch address {
        case .v4: address.ipAddress?.hasPrefix("127.") ?? false
        case .v6: address.ipAddress == "::1"
        case .unixDomainSocket: true
        }
    }
}
