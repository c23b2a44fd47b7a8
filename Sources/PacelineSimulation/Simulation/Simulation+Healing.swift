import PacelineCluster
import PacelineSpeculation

extension Simulation {
    /// A fault that lasts ends.
    func relent(_ relief: Relief) {
        switch relief {
        case .resumeWorker(let index, let life): resumeWorker(index, life: life)
        case .restartWorker(let index): restartWorker(index)
        case .joinWorker(let index): join(index)
        case .resumeVerifier(let index, let life): resumeVerifier(index, life: life)
        case .restartVerifier(let index): restartVerifier(index)
        }
    }

    /// Every fault ends. Connections that hang half-open stay so: their peers must find out.
    func heal() {
        isHealed = true
        healedAt = now
        note("heal", "")
        for index in verifiers.indices {
            resumeVerifier(index, life: verifiers[index].state.life)
            restartVerifier(index)
        }
        for index in workers.indices {
            join(index)
            resumeWorker(index, life: workers[index].state.life)
            restartWorker(index)
        }
        for index in byzantines.indices {
            if let connection = byzantines[index].connection { close(connection, .worker) }
        }
        for id in connections.keys.sorted() where connections[id]?.client == .stranger {
            close(id, .worker)
        }
    }

    private func resumeWorker(_ index: Int, life: Int) {
        guard workers[index].state.life == life, case .stopped(let since) = workers[index].state.status else { return }
        workers[index].state.status = .running
        if workers[index].compute.isBusy {
            workers[index].compute.delay(by: now - since, isHanging: false, now: now)
            scheduleTurnEnd(index)
        }
        let backlog = workers[index].backlog
        workers[index].backlog = []
        // A process that wakes may see its timers or its sockets first.
        let isTimerFirst = random.next(below: 2) == 0
        if isTimerFirst { tell(index, life: life, .timer) }
        for event in backlog {
            tell(index, life: life, event)
        }
        releaseDeliveries { $0.worker == index }
        if !isTimerFirst { tell(index, life: life, .timer) }
    }

    private func restartWorker(_ index: Int) {
        guard workers[index].state.isDead else { return }
        let (toVerifier, toWorker) = (workers[index].isCutToVerifier, workers[index].isCutToWorker)
        workers[index] = makeWorker(index, life: workers[index].state.life + 1)
        (workers[index].isCutToVerifier, workers[index].isCutToWorker) = (toVerifier, toWorker)
        tell(index, life: workers[index].state.life, .timer)
    }

    private func join(_ index: Int) {
        guard workers[index].isCutToVerifier || workers[index].isCutToWorker else { return }
        workers[index].isCutToVerifier = false
        workers[index].isCutToWorker = false
        for id in connections.keys.sorted() where connections[id]?.worker == index {
            for side in [Connection.Side.worker, .verifier] {
                // Segments that were lost are sent again after a time that doubles with each loss.
                let delay = scenario.network.latency + random.duration(below: .milliseconds(200))
                connections[id]?[to: side].resume(at: now + delay)
                connections[id]?[to: side].acknowledge(0, isReported: true)
            }
        }
        releaseDeliveries { $0.worker == index }
    }

    private func resumeVerifier(_ index: Int, life: Int) {
        guard verifiers[index].state.life == life, case .stopped(let since) = verifiers[index].state.status else {
            return
        }
        verifiers[index].state.status = .running
        verifiers[index].readySince = nil
        if verifiers[index].compute.isBusy {
            verifiers[index].compute.delay(by: now - since, isHanging: false, now: now)
            schedulePassEnd(index)
        }
        let backlog = verifiers[index].backlog
        verifiers[index].backlog = []
        let isTimerFirst = random.next(below: 2) == 0
        if isTimerFirst { tellVerifier(index, .timer) }
        for event in backlog {
            tellVerifier(index, event)
        }
        releaseDeliveries { $0.verifier == index && $0.verifierLife == life }
        if !isTimerFirst { tellVerifier(index, .timer) }
    }

    private func restartVerifier(_ index: Int) {
        guard verifiers[index].state.isDead else { return }
        verifiers[index] = makeVerifier(index, life: verifiers[index].state.life + 1)
    }

    private func releaseDeliveries(where matches: (Connection) -> Bool) {
        for id in connections.keys.sorted() {
            guard let connection = connections[id], matches(connection) else { continue }
            pump(id)
        }
    }
}
