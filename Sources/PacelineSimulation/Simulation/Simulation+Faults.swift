import NIOCore
import PacelineCluster
import PacelineSpeculation

extension Simulation {
    /// Lets a fault of this kind strike something at random.
    func strike(_ kind: FaultKind) {
        guard !isHealed else { return }
        note("fault", kind.rawValue)
        let hasStruck: Bool
        switch kind {
        case .cut, .reset, .halfOpen, .corrupt, .duplicate: hasStruck = strikeConnection(kind)
        case .partition, .oneWay, .pause, .kill, .powerOff, .hang, .drain: hasStruck = strikeWorker(kind)
        case .intrude: hasStruck = intrude()
        case .verifierPause, .verifierKill: hasStruck = strikeVerifier(kind)
        default: hasStruck = false
        }
        if hasStruck { statistics.faults[kind, default: 0] += 1 }
    }

    private func strikeConnection(_ kind: FaultKind) -> Bool {
        let open = connections.keys.sorted().filter { connections[$0]?.isUp == true }
        guard !open.isEmpty else { return false }
        let id = open[random.next(below: open.count)]
        let side: Connection.Side = random.next(below: 2) == 0 ? .worker : .verifier
        switch kind {
        case .cut:
            for side in [side, side.other] {
                connections[id]?[to: side].cut(keeping: random.nextUnit(), at: now + scenario.network.latency)
                scheduleDelivery(id, to: side)
            }
        case .reset:
            breakOff(id, toward: .worker, "connection reset by peer")
            breakOff(id, toward: .verifier, "connection reset by peer")
        case .halfOpen:
            connections[id]?[to: .worker].isBlackHole = true
            connections[id]?[to: .verifier].isBlackHole = true
        case .corrupt: connections[id]?[to: side].corruptsNext = 1 + random.next(below: 3)
        default: connections[id]?[to: side].duplicatesNext = true
        }
        return true
    }

    private func strikeWorker(_ kind: FaultKind) -> Bool {
        guard !workers.isEmpty else { return false }
        let index = random.next(below: workers.count)
        let life = workers[index].state.life
        guard workers[index].state.isRunning else { return false }
        let span = Duration.milliseconds(20 + random.next(below: random.pick([100, 3000])))
        switch kind {
        case .partition, .oneWay: partition(index, isOneWay: kind == .oneWay, for: span)
        case .pause:
            workers[index].state.status = .stopped(since: now)
            schedule(.relent(.resumeWorker(index, life: life)), after: span)
        case .kill, .powerOff:
            die(index, isSilent: kind == .powerOff)
            schedule(.relent(.restartWorker(index)), after: span)
        case .hang:
            guard workers[index].compute.isBusy else { return false }
            workers[index].compute.delay(by: span, isHanging: true, now: now)
            scheduleTurnEnd(index)
        default:
            tell(index, life: life, .shutdown)
            workers[index].state.status = .dead
            schedule(.relent(.restartWorker(index)), after: span)
        }
        return true
    }

    private func partition(_ index: Int, isOneWay: Bool, for span: Duration) {
        let isToVerifier = random.next(below: 2) == 0
        if !isOneWay || isToVerifier { workers[index].isCutToVerifier = true }
        if !isOneWay || !isToVerifier { workers[index].isCutToWorker = true }
        schedule(.relent(.joinWorker(index)), after: span)
    }

    /// The process ends at once; its kernel says so to its peers, unless the whole host is gone.
    private func die(_ index: Int, isSilent: Bool) {
        let life = workers[index].state.life
        workers[index].state.status = .dead
        for id in connections.keys.sorted() {
            guard case .worker(index, life: life, _)? = connections[id]?.client else { continue }
            noteEnd(of: id, .worker)
            connections[id]?.close(.worker)
            connections[id]?[to: .verifier].isBlackHole = isSilent
            connections[id]?[to: .worker].isBlackHole = isSilent
            guard !isSilent else { continue }
            if random.next(below: 2) == 0 {
                breakOff(id, toward: .verifier, "connection reset by peer")
            } else {
                connections[id]?[to: .verifier].cut(keeping: 1, at: now + scenario.network.latency)
                scheduleDelivery(id, to: .verifier)
            }
        }
    }

    private func strikeVerifier(_ kind: FaultKind) -> Bool {
        let index = random.next(below: verifiers.count)
        guard verifiers[index].state.isRunning else { return false }
        let span = Duration.milliseconds(20 + random.next(below: random.pick([200, 2500])))
        if kind == .verifierPause {
            verifiers[index].state.status = .stopped(since: now)
            schedule(.relent(.resumeVerifier(index, life: verifiers[index].state.life)), after: span)
            return true
        }
        let life = verifiers[index].state.life
        if let since = verifiers[index].busySince { statistics.busyMilliseconds += (now - since).inMilliseconds }
        statistics.add(verifiers[index].machine.snapshot)
        verifiers[index].state.status = .dead
        for id in connections.keys.sorted() {
            guard let connection = connections[id], connection.verifier == index, connection.verifierLife == life
            else { continue }
            noteEnd(of: id, .verifier)
            connections[id]?.close(.verifier)
            breakOff(id, toward: .worker, "connection reset by peer")
        }
        loseAttempts(at: index)
        schedule(.relent(.restartVerifier(index)), after: span)
        return true
    }

    /// A stranger connects and talks nonsense.
    private func intrude() -> Bool {
        guard let id = establish(.stranger, with: random.next(below: verifiers.count)) else { return false }
        let talk: [UInt8]
        switch random.next(below: 4) {
        case 0: talk = Array("GET / HTTP/1.1\r\nHost: verifier\r\n\r\n".utf8)
        case 1: talk = (0..<1 + random.next(below: 200)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        case 2: talk = [0xf7, 0x50, 0x43, 0x4c] + [UInt8](repeating: 0xff, count: 40)
        default: talk = []
        }
        if !talk.isEmpty { send(ByteBuffer(bytes: talk), from: .worker, on: id) }
        return true
    }
}
