import NIOCore
import PacelineCluster
import PacelineSpeculation

/// Lets faults strike by the scenario's schedule, lifts those that last, and heals everything in the end.
final class Nemesis {
    private let cluster: Cluster
    private let timeline: Timeline
    private let journal: Journal
    private let stranger: Stranger

    init(of cluster: Cluster, _ scenario: Scenario, _ timeline: Timeline, _ journal: Journal) {
        self.cluster = cluster
        self.timeline = timeline
        self.journal = journal
        stranger = Stranger(network: cluster.network, timeline: timeline)
        for strike in scenario.strikes {
            timeline.schedule(after: strike.at) { [unowned self] in self.strike(strike.kind) }
        }
        timeline.schedule(after: scenario.faultWindow) { [unowned self] in heal() }
    }

    /// Lets a fault of this kind strike a random victim.
    private func strike(_ kind: FaultKind) {
        guard timeline.healedAt == nil else { return }
        journal.note("fault", kind.rawValue)
        let hasStruck: Bool
        switch kind {
        case .cut, .reset, .halfOpen, .corrupt, .duplicate: hasStruck = cluster.network.strikeConnection(kind)
        case .partition, .oneWay, .pause, .kill, .powerOff, .hang, .drain: hasStruck = strikeWorker(kind)
        case .intrude: hasStruck = intrude()
        case .verifierPause, .verifierKill: hasStruck = strikeVerifier(kind)
        case .verifierDrain, .upgrade, .unlist, .gatewayKill, .gatewayPause, .upstreamCut, .upstreamPartition:
            hasStruck = strikeFleet(kind)
        default: hasStruck = false
        }
        if hasStruck { journal.count(kind) }
    }

    private func strikeWorker(_ kind: FaultKind) -> Bool {
        guard !cluster.workers.isEmpty else { return false }
        let worker = cluster.workers[timeline.random.next(below: cluster.workers.count)]
        guard worker.state.isRunning else { return false }
        let longest = timeline.random.pick([100, 3000])
        let span = Duration.milliseconds(20 + timeline.random.next(below: longest))
        switch kind {
        case .partition, .oneWay: partition(worker, isOneWay: kind == .oneWay, for: span)
        case .pause: pause(worker, for: span)
        case .hang:
            guard worker.state.compute.isBusy else { return false }
            worker.hang(for: span)
        case .drain:
            worker.drain()
            restart(worker, after: WorkerProcess.drainGrace + span)
        default:
            worker.die(isSilent: kind == .powerOff)
            restart(worker, after: span)
        }
        return true
    }

    private func partition(_ worker: WorkerProcess, isOneWay: Bool, for span: Duration) {
        let isToVerifier = timeline.random.next(below: 2) == 0
        let sides: Set<SimulatedConnection.Side> =
            isOneWay ? [isToVerifier ? .verifier : .worker] : [.worker, .verifier]
        cluster.network.cutOff(worker, to: sides)
        timeline.schedule(after: span) { [unowned self, unowned worker] in cluster.network.rejoin(worker) }
    }

    private func pause(_ process: some SimulatedProcess, for span: Duration) {
        process.stop()
        timeline.schedule(after: span) { [unowned process, life = process.life] in process.resume(life: life) }
    }

    private func restart(_ process: some SimulatedProcess, after span: Duration) {
        timeline.schedule(after: span) { [unowned process] in process.restart() }
    }

    private func strikeVerifier(_ kind: FaultKind) -> Bool {
        let verifier = cluster.verifiers[timeline.random.next(below: cluster.verifiers.count)]
        guard verifier.state.isRunning else { return false }
        let longest = timeline.random.pick([200, 2500])
        let span = Duration.milliseconds(20 + timeline.random.next(below: longest))
        if kind == .verifierPause {
            pause(verifier, for: span)
        } else {
            verifier.die()
            restart(verifier, after: span)
        }
        return true
    }

    private func strikeFleet(_ kind: FaultKind) -> Bool {
        guard let fleet = cluster.fleet else { return false }
        let longest = timeline.random.pick([200, 2500])
        let span = Duration.milliseconds(20 + timeline.random.next(below: longest))
        switch kind {
        case .gatewayKill, .gatewayPause:
            let gateway = timeline.random.pick(fleet.gateways)
            guard gateway.state.isRunning else { return false }
            guard kind == .gatewayKill else {
                pause(gateway, for: span)
                return true
            }
            gateway.die()
            restart(gateway, after: span)
            return true
        case .verifierDrain, .upgrade:
            let verifier = timeline.random.pick(cluster.verifiers)
            return verifier.port.leave(forDialect: kind == .upgrade ? 1 - verifier.port.dialect : nil, downFor: span)
        case .unlist: return fleet.unlist(timeline.random.pick(cluster.verifiers).index, for: span)
        case .upstreamCut: return fleet.cut()
        default: return fleet.partition(for: span)
        }
    }

    /// A stranger connects and talks nonsense.
    private func intrude() -> Bool {
        let verifier = cluster.verifiers[timeline.random.next(below: cluster.verifiers.count)]
        guard !verifier.isDead else { return false }
        stranger.intrude(at: verifier)
        return true
    }

    /// Ends every fault. Half-open connections stay so: their peers must notice.
    func heal() {
        guard timeline.healedAt == nil else { return }
        timeline.endFaults()
        journal.note("heal", "")
        for verifier in cluster.verifiers {
            verifier.resume(life: verifier.life)
            verifier.restart()
        }
        cluster.fleet?.heal()
        for worker in cluster.workers {
            cluster.network.rejoin(worker)
            worker.resume(life: worker.life)
            worker.restart()
        }
        for byzantine in cluster.byzantines {
            byzantine.disconnect()
        }
        stranger.disconnect()
    }
}

/// A client that connects to verifiers and talks nonsense.
private final class Stranger: ConnectionOwner {
    let host = "stranger"
    let life = 0
    let isDead = false
    let isStopped = false
    private let network: SimulatedNetwork
    private let timeline: Timeline
    private var connections: [Int] = []

    init(network: SimulatedNetwork, timeline: Timeline) {
        self.network = network
        self.timeline = timeline
    }

    func intrude(at verifier: VerifierProcess) {
        let id = network.establish(self, as: LinkID(rawValue: UInt64(connections.count)), with: verifier)
        connections.append(id)
        let talk: [UInt8]
        switch timeline.random.next(below: 4) {
        case 0: talk = Array("GET / HTTP/1.1\r\nHost: verifier\r\n\r\n".utf8)
        case 1:
            talk = (0..<1 + timeline.random.next(below: 200)).map { _ in
                UInt8(truncatingIfNeeded: timeline.random.next())
            }
        case 2: talk = [0xf7, 0x50, 0x43, 0x4c] + [UInt8](repeating: 0xff, count: 40)
        default: talk = []
        }
        if !talk.isEmpty { network.send(ByteBuffer(bytes: talk), from: .worker, on: id) }
    }

    func disconnect() {
        for id in connections {
            network.close(id, .worker)
        }
    }

    func receive(_ event: ConnectionEvent, on link: LinkID) {}

    func forget(_ link: LinkID) {}
}
