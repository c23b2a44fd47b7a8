import Logging
import NIOCore
import NIOPosix
import PacelineCluster
import PacelineSpeculation

/// The connections of a relay, on one event loop.
final class RelayShell {
    private static let connectTimeout = TimeAmount.seconds(5)

    private let configuration: RelayConfiguration
    private let target: Endpoint
    private let eventLoop: any EventLoop
    private let logger: Logger
    private var open: [ObjectIdentifier: ProxyConnection<RelaySchedule>] = [:]
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
        let connection = ProxyConnection<RelaySchedule>(
            number: accepted,
            client: client,
            events: .init(faults: { _, _, _ in }, ended: { [unowned self] in ended($0) })
        )
        open[ObjectIdentifier(connection)] = connection
        try client.pipeline.syncOperations.addHandler(SocketHandler(connection, .client))
        accepted += 1
        connect(connection)
    }

    func closeAll() {
        for connection in open.values { connection.close() }
    }

    private func connect(_ connection: ProxyConnection<RelaySchedule>) {
        ProxySockets.bootstrap(connection, on: eventLoop, timeout: Self.connectTimeout)
            .connect(host: target.host, port: target.port)
            .assumeIsolated()
            .whenComplete { [self] result in
                joined(connection, result)
            }
    }

    private func joined(_ connection: ProxyConnection<RelaySchedule>, _ result: Result<any Channel, any Error>) {
        switch result {
        case .success(let upstream):
            past.connections += 1
            connection.join(upstream, machines: schedules(connection.number))
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

    private func ended(_ connection: ProxyConnection<RelaySchedule>) {
        guard open.removeValue(forKey: ObjectIdentifier(connection)) != nil else { return }
        past.add(connection)
    }
}

extension RelayStatistics {
    fileprivate mutating func add(_ connection: ProxyConnection<RelaySchedule>) {
        let directions = connection.machines.map(\.statistics)
        guard directions.count == 2 else { return }
        upstream += directions[0]
        downstream += directions[1]
    }
}
