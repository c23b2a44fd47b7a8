import Logging
import NIOCore
import NIOPosix
import PacelineCluster
import PacelineSpeculation

/// The connections of a relay, on one event loop.
final class RelayShell {
    private static let connectTimeout = TimeAmount.seconds(5)
    /// The most that one read takes, so that little is left over when the buffer is full.
    private static let readBytes = 16384

    private let configuration: RelayConfiguration
    private let target: Endpoint
    private let eventLoop: any EventLoop
    private let logger: Logger
    private var open: [ObjectIdentifier: RelayConnection] = [:]
    /// Of closed connections.
    private var past = RelayStatistics()
    private var accepted: UInt64 = 0

    init(_ configuration: RelayConfiguration, target: Endpoint, eventLoop: any EventLoop, logger: Logger) {
        self.configuration = configuration
        self.target = target
        self.eventLoop = eventLoop
        self.logger = logger
    }

    var statistics: RelayStatistics {
        var statistics = past
        for connection in open.values { statistics.add(connection) }
        return statistics
    }

    /// Takes a new connection, or refuses it beyond the limit.
    func accept(_ client: any Channel) throws {
        guard open.count < configuration.connectionLimit else {
            past.refused += 1
            logger.warning("refused a connection: \(open.count) are open already")
            return client.close(promise: nil)
        }
        let connection = RelayConnection(client: client) { [unowned self] in ended($0) }
        open[ObjectIdentifier(connection)] = connection
        try client.pipeline.syncOperations.addHandler(SocketHandler(connection, .client))
        let number = accepted
        accepted += 1
        connect(connection, number: number)
    }

    func closeAll() {
        for connection in open.values { connection.close() }
    }

    private func connect(_ connection: RelayConnection, number: UInt64) {
        let bound = NIOLoopBound(connection, eventLoop: eventLoop)
        ClientBootstrap(group: eventLoop)
            .connectTimeout(Self.connectTimeout)
            .channelOption(ChannelOptions.autoRead, value: false)
            .channelOption(ChannelOptions.allowRemoteHalfClosure, value: true)
            .channelOption(ChannelOptions.maxMessagesPerRead, value: 1)
            .channelOption(
                ChannelOptions.recvAllocator,
                value: FixedSizeRecvByteBufferAllocator(capacity: Self.readBytes)
            )
            .channelOption(ChannelOptions.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(SocketHandler(bound.value, .upstream))
                }
            }
            .connect(host: target.host, port: target.port)
            .assumeIsolated()
            .whenComplete { [self] result in
                joined(connection, number: number, result)
            }
    }

    private func joined(_ connection: RelayConnection, number: UInt64, _ result: Result<any Channel, any Error>) {
        switch result {
        case .success(let upstream):
            past.connections += 1
            connection.join(upstream, schedules: schedules(number))
        case .failure(let error):
            past.failed += 1
            logger.warning("\(SocketFailure(error).connecting(to: "\(target)"))")
            connection.refuse()
        }
    }

    /// Each direction of each connection has jitter of its own.
    private func schedules(_ number: UInt64) -> (upstream: RelaySchedule, downstream: RelaySchedule) {
        var seeds = SplitMix(seed: configuration.seed ^ (number &* 0x9fb2_1c65_1e98_df25))
        let capacity = configuration.bufferBytes
        return (
            RelaySchedule(configuration.upstream, seed: seeds.next(), capacity: capacity),
            RelaySchedule(configuration.downstream, seed: seeds.next(), capacity: capacity)
        )
    }

    private func ended(_ connection: RelayConnection) {
        guard open.removeValue(forKey: ObjectIdentifier(connection)) != nil else { return }
        past.add(connection)
    }
}

extension RelayShell {
    /// The socket options of a client's connection.
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
}

extension RelayStatistics {
    fileprivate mutating func add(_ connection: RelayConnection) {
        guard let (upstream, downstream) = connection.statistics else { return }
        self.upstream += upstream
        self.downstream += downstream
    }
}
