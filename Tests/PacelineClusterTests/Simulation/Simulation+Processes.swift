import NIOCore
import PacelineCluster
import PacelineSpeculation
import PacelineWire

import struct PacelineSimulation.EventQueue

extension Simulation {
    func makeWorker(_ index: Int, life: Int) -> WorkerProcess {
        let plan = scenario.workers[index]
        let fingerprint = TaggedText.fingerprint(of: plan.name)
        var configuration = WorkerConfiguration(name: plan.name, fingerprint: plan.hasModel ? fingerprint : nil)
        configuration.slots = plan.slots
        configuration.draft = plan.draft
        let machine = WorkerMachine(
            configuration: configuration,
            endpoints: 1,
            incarnation: UInt64(index + 1) << 32 + UInt64(life + 1),
            seed: random.next()
        )
        let seed = random.next()
        let host = DraftHost(source: MockSource { plan.makeDrafters(seed) })
        return WorkerProcess(machine: machine, host: host, life: life)
    }

    // MARK: The verifier

    func tell(_ event: VerifierMachine.Event) {
        for effect in verifier.handle(event, now: now) {
            switch effect {
            case .write(let link, let bytes): write(bytes, from: .verifier, link)
            case .close(let link): closePipe { $0.verifierLink == link }
            case .run(let pass): start(pass)
            case .emit(let request, let event): receive(event, for: Int(request.rawValue) - 1)
            case .note(let note): notes.append(note)
            case .pauseReading, .resumeReading: break
            }
        }
        guard let deadline = verifier.deadline, deadline < verifierTimer else { return }
        verifierTimer = deadline
        queue.schedule(.verifierTimer, at: max(deadline, now))
    }

    private func start(_ pass: Pass) {
        passes += 1
        var milliseconds = scenario.passBase + scenario.passPerRow * Double(pass.rows)
        milliseconds *= 1 + scenario.contention * Double(workers.count { $0.isComputing })
        milliseconds *= 0.9 + 0.2 * random.nextUnit()
        if pass.rounds.isEmpty { milliseconds = 0.01 }
        let end = now + .fromMilliseconds(milliseconds)
        for step in 1..<20 where now + .milliseconds(100 * step) < end {
            queue.schedule(.verifierProgress(pass: passes), at: now + .milliseconds(100 * step))
        }
        queue.schedule(.passDone(pass: passes, rounds: pass, milliseconds: milliseconds), at: end)
    }

    func finishPass(_ number: Int, _ pass: Pass, _ milliseconds: Double) {
        do {
            let outcomes = try PassRunner(engine: target).run(pass, progress: ComputeProgress())
            tell(.passFinished(PassResult(outcomes: outcomes, milliseconds: milliseconds)))
        } catch {
            tell(.passFailed("\(error)"))
        }
    }

    private func receive(_ event: RequestEvent, for client: Int) {
        precondition(clients[client].ending == nil, "an event came after the last one")
        if case .tokens(let tokens, _) = event {
            clients[client].tokens += tokens
            clients[client].commitTimes.append(now)
            for token in tokens { mark(UInt64(token)) }
        } else {
            clients[client].ending = event
        }
    }

    // MARK: Workers

    func tell(_ index: Int, _ event: WorkerMachine.Event) {
        guard workers[index].isAlive else { return }
        guard !workers[index].isStopped else { return workers[index].backlog.append(event) }
        for effect in workers[index].machine.handle(event, now: now) {
            perform(effect, of: index)
        }
        guard workers[index].isAlive, let deadline = workers[index].machine.deadline else { return }
        let timer = workers[index].timer
        guard timer == .zero || deadline < timer else { return }
        workers[index].timer = deadline
        queue.schedule(.workerTimer(index, life: workers[index].life), at: max(deadline, now))
    }

    private func perform(_ effect: WorkerMachine.Effect, of index: Int) {
        let life = workers[index].life
        switch effect {
        case .connect(_, let link):
            queue.schedule(.connect(index, life: life, link), at: now + scenario.delay(&random))
        case .write(let link, let bytes):
            write(bytes, from: .worker, link, worker: index, life: life)
        case .close(let link):
            closePipe { $0.worker == index && $0.life == life && $0.workerLink == link }
        case .draft(let job):
            workers[index].isComputing = job.turn != nil
            let step =
                job.turn == nil ? 0.01 : scenario.workers[index].stepMilliseconds * (0.8 + 0.4 * random.nextUnit())
            queue.schedule(.turnDone(index, life: life, job), at: now + .fromMilliseconds(step))
        case .note, .refused, .pauseReading, .resumeReading: break
        }
    }

    // MARK: The network

    func connect(_ index: Int, life: Int, _ link: LinkID) {
        guard workers[index].isAlive, workers[index].life == life else { return }
        let pipe = SimulatedPipe(
            worker: index,
            life: life,
            workerLink: link,
            verifierLink: LinkID(rawValue: UInt64(pipes.count + 1))
        )
        pipes.append(pipe)
        tell(.accepted(pipe.verifierLink, LinkArrival(host: "worker \(index)", nonce: LinkNonce(using: &nonces))))
        tell(index, .connected(link, LinkNonce(using: &nonces)))
    }

    private func write(
        _ bytes: ByteBuffer,
        from side: SimulatedPipe.Side,
        _ link: LinkID,
        worker: Int = 0,
        life: Int = 0
    ) {
        let found = pipes.lastIndex { pipe in
            side == .verifier
                ? pipe.verifierLink == link : pipe.worker == worker && pipe.life == life && pipe.workerLink == link
        }
        guard let pipe = found, pipes[pipe].isOpen else { return }
        let other: SimulatedPipe.Side = side == .verifier ? .worker : .verifier
        var rest = bytes
        // Cut anywhere: framing must not depend on how the stream was cut.
        while rest.readableBytes > 0 {
            let count = min(rest.readableBytes, 1 + random.next(below: scenario.chunkBytes))
            guard let chunk = rest.readSlice(length: count) else { return }
            let due = pipes[pipe].arrival(at: other, sent: now, delay: scenario.delay(&random))
            queue.schedule(.arrive(pipe: pipe, other, corrupted(chunk, on: pipe)), at: due)
        }
    }

    func arrive(_ index: Int, _ side: SimulatedPipe.Side, _ bytes: ByteBuffer) {
        let pipe = pipes[index]
        guard pipe.isOpen else { return }
        mark(UInt64(bytes.readableBytes))
        switch side {
        case .worker:
            guard workers[pipe.worker].life == pipe.life else { return }
            tell(.flushed(pipe.verifierLink, bytes: bytes.readableBytes))
            tell(pipe.worker, .received(pipe.workerLink, bytes))
        case .verifier:
            tell(.received(pipe.verifierLink, bytes))
            if pipes[index].isOpen { tell(pipe.worker, .flushed(pipe.workerLink, bytes: bytes.readableBytes)) }
        }
    }

    /// One side is done with a connection: the other learns of it when what was written has arrived.
    private func closePipe(where matches: (SimulatedPipe) -> Bool) {
        guard let index = pipes.lastIndex(where: matches), pipes[index].isOpen else { return }
        for side in [SimulatedPipe.Side.worker, .verifier] {
            let due = pipes[index].arrival(at: side, sent: now, delay: scenario.delay(&random))
            queue.schedule(.end(pipe: index, side), at: due)
        }
    }

    func end(_ index: Int, _ side: SimulatedPipe.Side) {
        let pipe = pipes[index]
        switch side {
        case .worker:
            if workers[pipe.worker].life == pipe.life { tell(pipe.worker, .disconnected(pipe.workerLink, reason: nil)) }
        case .verifier: tell(.disconnected(pipe.verifierLink, reason: nil))
        }
    }

    /// Both sides lose the connection at once, with whatever is on its way.
    func cut(_ index: Int) {
        guard pipes[index].isOpen else { return }
        pipes[index].isOpen = false
        end(index, .worker)
        end(index, .verifier)
    }
}
