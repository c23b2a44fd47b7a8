import NIOCore
import PacelineCluster
import PacelineSpeculation

/// Lets faults strike by the scenario's schedule, lifts those that last, and heals everything in the end.
final class Nemesis {
    private let cluster: Cluster
    private let timeline: Timeline
    private let journal: Journal
    private let stranger: Stranger
    private let detection: DetectionCheck

    init(of cluster: Cluster, _ scenario: Scenario, _ timeline: Timeline, _ journal: Journal) {
        self.cluster = cluster
        self.timeline = timeline
        self.journal = journal
        stranger = Stranger(network: cluster.network, timeline: timeline)
        detection = DetectionCheck(of: cluster, scenario, timeline, journal)
        for strike in scenario.strikes {
            timeline.schedule(after: strike.at) { [unowned self] in self.strike(strike.kind) }
        }
        timeline.schedule(after: scenario.faultWindow) { [unowned self] in heal() }
    }

    /// Judges whether what has struck was noticed in time.
    func checkDetection() {
        if timeline.healedAt == nil { detection.check() }
    }

    /// Lets a fault of this kind strike a random victim.
    ///
    /// - Parameter tries: how often it was tried before. A worker can hang only while it computes, which is seldom.
    private func strike(_ kind: FaultKind, tries: Int = 0) {
        guard timeline.healedAt == nil else { return }
        let hasStruck: Bool
        switch kind {
        case .cut, .reset, .halfOpen, .corrupt, .duplicate, .truncate, .reorder, .replay, .oneWayHalfOpen:
            hasStruck = cluster.network.strikeConnection(kind)
        case .partition, .oneWay, .flap, .pause, .kill, .powerOff, .hang, .drain: hasStruck = strikeWorker(kind)
        case .intrude: hasStruck = intrude()
        case .verifierPause, .verifierKill: hasStruck = strikeVerifier(kind)
        case .clockJump: hasStruck = leap(by: [.milliseconds(300), .seconds(2), .seconds(60), .seconds(288)], kind)
        case .clockBack: hasStruck = leap(by: [.milliseconds(-1), .milliseconds(-40), .milliseconds(-400)], kind)
        case .memoryPressure: hasStruck = takeMemory()
        case .verifierDrain, .upgrade, .unlist, .gatewayKill, .gatewayPause, .upstreamCut, .upstreamPartition:
            hasStruck = strikeFleet(kind)
        default: hasStruck = false
        }
        if hasStruck { return journal.count(kind) }
        guard kind == .hang, tries < 50 else {
            return journal.note("fault", "\(kind.rawValue) finds nobody to strike")
        }
        let pause = Duration.milliseconds(1) + timeline.random.duration(below: .milliseconds(10))
        timeline.schedule(after: pause) { [unowned self] in strike(kind, tries: tries + 1) }
    }

    private func strikeWorker(_ kind: FaultKind) -> Bool {
        guard !cluster.workers.isEmpty else { return false }
        let worker = cluster.workers[timeline.random.next(below: cluster.workers.count)]
        guard worker.state.isRunning, kind != .hang || worker.state.compute.isBusy else { return false }
        let longest = timeline.random.pick([100, 3000])
        let span = Duration.milliseconds(20 + timeline.random.next(below: longest))
        note(kind, worker.host, for: span)
        switch kind {
        case .flap: flap(worker, times: 3 + timeline.random.next(below: 6), within: span)
        case .partition, .oneWay: partition(worker, isOneWay: kind == .oneWay, for: span)
        case .pause: pause(worker, for: span)
        case .hang: worker.hang(for: span)
        case .drain:
            worker.drain()
            restart(worker, after: WorkerProcess.drainGrace + span)
        default:
            worker.die(isSilent: kind == .powerOff)
            restart(worker, after: span)
        }
        if [.pause, .hang, .powerOff].contains(kind) { detection.expect(silenceOf: worker, by: kind, for: span) }
        return true
    }

    private func partition(_ worker: WorkerProcess, isOneWay: Bool, for span: Duration) {
        let isToVerifier = timeline.random.next(below: 2) == 0
        let sides: Set<SimulatedConnection.Side> =
            isOneWay ? [isToVerifier ? .verifier : .worker] : [.worker, .verifier]
        cluster.network.cutOff(worker, to: sides)
        timeline.schedule(after: span) { [unowned self, unowned worker] in cluster.network.rejoin(worker) }
    }

    private func note(_ kind: FaultKind, _ victim: String, for span: Duration) {
        journal.note("fault", to: victim, "\(kind.rawValue) for \(Int(span.inMilliseconds)) ms")
    }

    /// Cuts a worker off and joins it again, several times.
    private func flap(_ worker: WorkerProcess, times: Int, within span: Duration) {
        for _ in 0..<times {
            let start = timeline.random.duration(below: span)
            let length = Duration.milliseconds(5) + timeline.random.duration(below: .milliseconds(250))
            timeline.schedule(after: start) { [unowned self, unowned worker] in
                guard timeline.healedAt == nil else { return }
                partition(worker, isOneWay: timeline.random.next(below: 3) == 0, for: length)
            }
        }
    }

    /// The clock of a process leaps ahead, or goes back as that of a machine that moves to another host may.
    private func leap(by spans: [Duration], _ kind: FaultKind) -> Bool {
        let span = timeline.random.pick(spans)
        let victim = timeline.random.next(below: cluster.verifiers.count + cluster.workers.count)
        guard victim >= cluster.verifiers.count else {
            let verifier = cluster.verifiers[victim]
            guard verifier.state.isRunning else { return false }
            note(kind, verifier.host, for: span)
            verifier.leapAside(by: span)
            return true
        }
        let worker = cluster.workers[victim - cluster.verifiers.count]
        guard worker.state.isRunning else { return false }
        note(kind, worker.host, for: span)
        worker.leap(by: span)
        return true
    }

    /// The next rounds of a verifier find no memory.
    private func takeMemory() -> Bool {
        let verifier = timeline.random.pick(cluster.verifiers)
        guard verifier.state.isRunning, !verifier.isIdle else { return false }
        let rounds = 1 + timeline.random.next(below: 3)
        journal.note("fault", to: verifier.host, "\(FaultKind.memoryPressure.rawValue) for \(rounds) rounds")
        verifier.target.roundsWithoutRoom += rounds
        return true
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
        note(kind, verifier.host, for: span)
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
            note(kind, gateway.host, for: span)
            guard kind == .gatewayKill else {
                pause(gateway, for: span)
                return true
            }
            gateway.die()
            restart(gateway, after: span)
            return true
        case .verifierDrain, .upgrade:
            let verifier = timeline.random.pick(cluster.verifiers)
            note(kind, verifier.host, for: span)
            return verifier.port.leave(forDialect: kind == .upgrade ? 1 - verifier.port.dialect : nil, downFor: span)
        case .unlist:
            let verifier = timeline.random.pick(cluster.verifiers)
            note(kind, verifier.host, for: span)
            return fleet.unlist(verifier.index, for: span)
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
        journal.note("heal", "every fault ends")
        for verifier in cluster.verifiers {
            verifier.target.roundsWithoutRoom = 0
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
