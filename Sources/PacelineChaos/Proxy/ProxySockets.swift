import NIOCore
import NIOPosix

/// The options of the sockets between which bytes are passed on.
enum ProxySockets {
    /// The most that one read takes.
    private static let readBytes = 1 << 16

    /// For a client's connections. Nothing is read before the upstream is reached.
    static func prepare(_ bootstrap: ServerBootstrap) -> ServerBootstrap {
        bootstrap
            .childChannelOption(ChannelOptions.autoRead, value: false)
            .childChannelOption(ChannelOptions.allowRemoteHalfClosure, value: true)
            .childChannelOption(ChannelOptions.maxMessagesPerRead, value: 1)
            .childChannelOption(
                ChannelOptions.recvAllocator,
                value: FixedSizeRecvByteBufferAllocator(capacity: readBytes)
            )
            .childChannelOption(ChannelOptions.tcpOption(.tcp_nodelay), value: 1)
    }

    /// Connects to the upstream that belongs to a client's connection.
    static func bootstrap<Machine>(
        _ connection: ProxyConnection<Machine>,
        on eventLoop: any EventLoop,
        timeout: TimeAmount
    ) -> ClientBootstrap {
        let bound = NIOLoopBound(connection, eventLoop: eventLoop)
        return ClientBootstrap(group: eventLoop)
            .connectTimeout(timeout)
            .channelOption(ChannelOptions.autoRead, value: false)
            .channelOption(ChannelOptions.allowRemoteHalfClosure, value: true)
            .channelOption(ChannelOptions.maxMessagesPerRead, value: 1)
            .channelOption(
                ChannelOptions.recvAllocator,
                value: FixedSizeRecvByteBufferAllocator(capacity: readBytes)
            )
            .channelOption(ChannelOptions.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(SocketHandler(bound.value, .upstream))
                }
            }
    }
}
