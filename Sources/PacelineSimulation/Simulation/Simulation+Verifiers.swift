import NIOCore
import PacelineCluster
import PacelineSpeculation

extension Simulation {
    func makeVerifier(_ index: Int, life: Int) -> VerifierProcess {
        var configuration = scenario.verifier
        configuration.name = "verifier \(index)"
        configuration.link = scenario.link
        let target = TargetDescription(
            fingerprint: MockText.fingerprint(of: "mock"),
            contextLength: scenario.cacheCapacity,
            cacheCapacity: scenario.cacheCapacity,
            costs: scenario.costs
        )
        let machine = VerifierMachine(
            configuration: configuration,
            target: target,
            costs: scenario.costs,
            incarnation: UInt64(index + 1) << 32 | UInt64(life + 1)
        )
        let engine = MockTarget(cacheCapacity: scenario.cacheCapacity, ledger: ledger)
        return VerifierProcess(machine: machine, target: engine, life: life)
    }

    /// Hands an event to a verifier, or leaves it with its kernel while it is stopped.
    func tellVerifier(_ index: Int, _ event: VerifierMachine.Event) {
        switch verifiers[index].state.status {
        case .dead: return
        case .stopped: verifiers[index].backlog.append(event)
        case .running:
            // As in production, what an effect gives rise to waits until the effects before it are done.
            verifiers[index].inbox.append(event)
            guard !verifiers[index].isHandling else { return }
            verifiers[index].isHandling = true
            while violation == nil, !verifiers[index].inbox.isEmpty {
                if verifiers[index].compute.hasProgressed(now: now) { handle(.progressed, at: index) }
                handle(verifiers[index].inbox.removeFirst(), at: index)
            }
            verifiers[index].isHandling = false
            checkCaps(ofVerifier: index)
            armVerifier(index)
        }
    }

    private func handle(_ event: VerifierMachine.Event, at index: Int) {
        for effect in verifiers[index].machine.handle(event, now: now) {
            perform(effect, of: index)
        }
        followBusyness(of: index)
    }

    private func perform(_ effect: VerifierMachine.Effect, of index: Int) {
        let life = verifiers[index].state.life
        switch effect {
        case .write(let link, let bytes):
            let key = VerifierLinkKey(verifier: index, life: life, link: link)
            if let connection = connectionOfVerifierLink[key] { send(bytes, from: .verifier, on: connection) }
        case .close(let link):
            let key = VerifierLinkKey(verifier: index, life: life, link: link)
            if let connection = connectionOfVerifierLink[key] { close(connection, .verifier) }
        // What a link may have on its way is bounded by the network already.
        case .pauseReading, .resumeReading: break
        case .run(let pass): start(pass, at: index)
        case .emit(let request, let event):
            receive(event, for: AttemptKey(verifier: index, life: life, request: request))
        case .note(let note): take(note, of: index)
        }
    }

    private func start(_ pass: Pass, at index: Int) {
        guard !verifiers[index].compute.isBusy else {
            return fail(.caps, "verifier \(index) started a pass while another one was running")
        }
        checkDelay(of: pass, at: index)
        verifiers[index].readySince = nil
        var time = Duration.microseconds(10)
        if pass.rows > 0 {
            let factor = 1 + scenario.passJitter * (2 * random.nextUnit() - 1)
            time = .fromMilliseconds(scenario.costs.milliseconds(rows: pass.rows) * factor)
        }
        note("pass", "verifier \(index): \(pass.rounds.count) rounds, \(pass.rows) rows, \(time)")
        statistics.passMilliseconds += time.inMilliseconds
        verifiers[index].compute.start(pass, now: now, taking: time)
        schedulePassEnd(index)
    }

    func schedulePassEnd(_ index: Int) {
        let (life, number) = (verifiers[index].state.life, verifiers[index].compute.number)
        queue.schedule(.passDone(index, life: life, number: number), at: verifiers[index].compute.endsAt)
    }

    func finishPass(_ index: Int, life: Int, number: Int) {
        guard verifiers[index].state.life == life, verifiers[index].state.isRunning,
            verifiers[index].compute.number == number, let pass = verifiers[index].compute.finish()
        else { return }
        let target = verifiers[index].target
        do {
            let outcomes = try PassRunner(engine: target).run(pass, progress: ComputeProgress())
            if target.strayNodes > 0 {
                fail(.staleness, "\(target.strayNodes) nodes were verified below a prefix they were never proposed for")
            }
            verifiers[index].readySince = now
            let milliseconds = scenario.costs.milliseconds(rows: pass.rows)
            tellVerifier(index, .passFinished(PassResult(outcomes: outcomes, milliseconds: milliseconds)))
        } catch {
            fail(.engine, "verifier \(index): \(error)")
        }
    }

    func wakeVerifier(_ index: Int, life: Int) {
        guard verifiers[index].state.life == life, verifiers[index].state.wakesAt.map({ $0 <= now }) ?? false else {
            return
        }
        verifiers[index].state.wakesAt = nil
        guard verifiers[index].state.isRunning else { return }
        tellVerifier(index, .timer)
    }

    private func armVerifier(_ index: Int) {
        guard let deadline = verifiers[index].machine.deadline else { return }
        if let wake = verifiers[index].state.wakesAt, wake <= deadline { return }
        let at = max(deadline, now + .microseconds(1))
        verifiers[index].state.wakesAt = at
        queue.schedule(.wakeVerifier(index, life: verifiers[index].state.life), at: at)
    }

    /// How long requests were running, which throughput is measured against; and since when a pass is due.
    private func followBusyness(of index: Int) {
        let isBusy = !verifiers[index].machine.isIdle
        if isBusy {
            if verifiers[index].busySince == nil { verifiers[index].busySince = now }
            if !verifiers[index].compute.isBusy, verifiers[index].readySince == nil {
                verifiers[index].readySince = now
            }
        } else {
            if let since = verifiers[index].busySince { statistics.busyMilliseconds += (now - since).inMilliseconds }
            verifiers[index].busySince = nil
            verifiers[index].readySince = nil
        }
    }
}
