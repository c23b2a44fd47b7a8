import Logging
package import NIOCore
import NIOPosix
import PacelineCluster

/// What a proxy is, besides where it listens and its toxics.
struct ProxyPlan: Sendable {
    let name: String
    let upstream: Endpoint
    let seed: UInt64
    let limits: ProxyLimits
}

/// Bounds of every proxy.
package struct ProxyLimits: Hashable, Sendable {
    /// Bytes that one direction of one connection may have on their way.
    package var bufferBytes = 1 << 20
    /// Connections of a proxy that may be open at once.
    package var connections = 1024
    /// How long connecting to an upstream may take. Others connect meanwhile.
    package var connectTimeout = TimeAmount.seconds(10)

    package init() {}
}

/// One proxy's connections and toxics, on one event loop.
final class ProxyShell {
    private let plan: ProxyPlan
    private let eventLoop: any EventLoop
    private let logger: Logger
    private let trace: FaultTrace?
    private var toxics: [ToxicDefinition]
    private var open: [ObjectIdentifier: ProxyConnection<ToxicChain>] = [:]
    /// Of closed connections.
    private var past: ProxyStatistics
    private var accepted: UInt64
    private var lastAccept: Instant?
    /// What toxics remember of the connection that ended last.
    private var histories: [String: [FrameMemory.Passing]] = [:]

    /// - Parameter past: what a proxy of the same name has done before, which goes on counting.
    init(
        _ plan: ProxyPlan,
        toxics: [ToxicDefinition],
        past: ProxyStatistics,
        on loop: any EventLoop,
        report: ProxyReport
    ) {
        self.plan = plan
        self.toxics = toxics
        self.past = past
        (accepted, lastAccept) = (past.accepted, past.lastAccept)
        eventLoop = loop
        logger = report.logger
        trace = report.trace
    }

    var statistics: ProxyStatistics {
        var statistics = past
        (statistics.accepted, statistics.lastAccept) = (accepted, lastAccept)
        for connection in open.values { statistics.add(connection.machines) }
        statistics.open = open.count
        return statistics
    }

    /// Those of a proxy that has stopped. A connection may still wait for its upstream, only to be closed then.
    var finalStatistics: ProxyStatistics {
        var statistics = statistics
        statistics.open = 0
        return statistics
    }

    /// Takes a new connection, or refuses it beyond the limit.
    func accept(_ client: any Channel) throws {
        guard open.count < plan.limits.connections else {
            past.refused += 1
            logger.warning("proxy \(plan.name) refused a connection: \(open.count) are open already")
            return client.close(promise: nil)
        }
        // The shell lives as long as its connections, even when the proxy is stopped.
        let events = ProxyConnection<ToxicChain>.Events(
            faults: { [self] in tell($0, $1, $2) },
            ended: { [self] in ended($0) }
        )
        let connection = ProxyConnection(number: accepted, client: client, events: events)
        accepted += 1
        lastAccept = .onEventLoop
        open[ObjectIdentifier(connection)] = connection
        try client.pipeline.syncOperations.addHandler(SocketHandler(connection, .client))
        connect(connection)
    }

    func closeAll() {
        for connection in open.values { connection.close() }
    }

    // MARK: Toxics

    func add(_ toxic: ToxicDefinition) {
        toxics.append(toxic)
        for connection in open.values { connection.change(toxic.stream) { $0.add(toxic, now: $1) } }
    }

    func update(_ toxic: ToxicDefinition) {
        guard let index = toxics.firstIndex(where: { $0.name == toxic.name }) else { return }
        toxics[index] = toxic
        for connection in open.values { connection.change(toxic.stream) { $0.update(toxic, now: $1) } }
    }

    func remove(_ name: String) {
        guard let index = toxics.firstIndex(where: { $0.name == name }) else { return }
        let stream = toxics.remove(at: index).stream
        histories[name] = nil
        for connection in open.values { connection.change(stream) { $0.remove(name, now: $1) } }
    }

    // MARK: Connections

    private func connect(_ connection: ProxyConnection<ToxicChain>) {
        ProxySockets.bootstrap(connection, on: eventLoop, timeout: plan.limits.connectTimeout)
            .connect(host: plan.upstream.host, port: plan.upstream.port)
            .assumeIsolated()
            .whenComplete { [self] result in
                switch result {
                case .success(let upstream): connection.join(upstream, machines: chains(connection.number))
                case .failure(let error):
                    past.failed += 1
                    let failure = SocketFailure(error).connecting(to: "\(plan.upstream)")
                    logger.warning("proxy \(plan.name): \(failure)")
                    connection.refuse()
                }
            }
    }

    private func chains(_ number: UInt64) -> (upstream: ToxicChain, downstream: ToxicChain) {
        let now = Instant.onEventLoop
        func chain(_ stream: StreamDirection) -> ToxicChain {
            var chain = ToxicChain(
                .init(seed: plan.seed, proxy: plan.name, connection: number, stream: stream),
                toxics: toxics.filter { $0.stream == stream },
                capacity: plan.limits.bufferBytes,
                now: now
            )
            chain.inherit(histories)
            return chain
        }
        return (chain(.upstream), chain(.downstream))
    }

    private func ended(_ connection: ProxyConnection<ToxicChain>) {
        guard open.removeValue(forKey: ObjectIdentifier(connection)) != nil else { return }
        past.add(connection.machines)
        for chain in connection.machines { histories.merge(chain.histories) { $1 } }
    }

    private func tell(_ number: UInt64, _ stream: StreamDirection, _ faults: [FaultRecord]) {
        for fault in faults {
            if fault.isFault { past.faults[fault.toxic, default: 0] += 1 }
            trace?.write(FaultTrace.Place(proxy: plan.name, connection: number, stream: stream), fault)
        }
    }
}

/// Where a proxy tells what it does.
struct ProxyReport: Sendable {
    let logger: Logger
    let trace: FaultTrace?
}

/// What a proxy has done.
package struct ProxyStatistics: Sendable, Hashable {
    /// Bytes of one direction, over all connections.
    package struct Bytes: Sendable, Hashable {
        package fileprivate(set) var received: UInt64 = 0
        package fileprivate(set) var sent: UInt64 = 0
    }

    /// Connections that were taken. The next one has this number.
    package fileprivate(set) var accepted: UInt64 = 0
    /// When the latest was taken; nil before the first.
    fileprivate var lastAccept: Instant?
    package fileprivate(set) var open = 0
    /// Connections that were refused because too many were open.
    package fileprivate(set) var refused: UInt64 = 0
    /// Connections whose upstream could not be reached.
    package fileprivate(set) var failed: UInt64 = 0
    package fileprivate(set) var upstream = Bytes()
    package fileprivate(set) var downstream = Bytes()
    /// Faults by the toxic's name.
    package fileprivate(set) var faults: [String: UInt64] = [:]

    package init() {}

    /// Now, for a trace.
    var moment: TraceMoment {
        TraceMoment(connections: accepted, since: lastAccept.map { .onEventLoop - $0 } ?? .zero)
    }

    fileprivate mutating func add(_ chains: [ToxicChain]) {
        for chain in chains {
            let bytes = chain.identity.stream == .upstream ? \ProxyStatistics.upstream : \.downstream
            self[keyPath: bytes].received &+= chain.arrived
            self[keyPath: bytes].sent &+= chain.departed
        }
    }
}
