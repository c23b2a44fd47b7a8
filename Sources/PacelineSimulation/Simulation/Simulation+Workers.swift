import NIOCore
import PacelineCluster
import PacelineSpeculation
import PacelineWire

extension Simulation {
    /// As the shell's.
    private static var connectTimeout: Duration { .seconds(2) }

    func makeWorker(_ index: Int, life: Int) -> WorkerProcess {
        let plan = scenario.workers[index]
        let fingerprint = MockText.fingerprint(of: "\(plan.drafter)")
        var configuration = WorkerConfiguration(
            name: "worker \(index)",
            fingerprint: plan.drafter.isModelFree ? nil : fingerprint
        )
        configuration.slots = plan.slots
        configuration.link = scenario.link
        configuration.link.versions = plan.versions
        let machine = WorkerMachine(
            configuration: configuration,
            endpoints: scenario.verifiers,
            incarnation: UInt64(index + 100) << 32 | UInt64(life + 1),
            seed: random.next()
        )
        let effort = DraftEffort()
        let source = MockDrafterSource(plan.drafter, ledger: ledger, effort: effort, seed: random.next())
        return WorkerProcess(machine: machine, host: DraftHost(source: source), effort: effort, life: life)
    }

    /// Hands an event to a worker's process life, if that is the present one.
    func tell(_ index: Int, life: Int, _ event: WorkerMachine.Event) {
        guard workers[index].state.life == life, !workers[index].state.isDead else { return }
        guard workers[index].state.isRunning else { return workers[index].backlog.append(event) }
        workers[index].inbox.append(event)
        guard !workers[index].isHandling else { return }
        workers[index].isHandling = true
        while violation == nil, !workers[index].inbox.isEmpty {
            if workers[index].compute.hasProgressed(now: now) { handle(.progressed, atWorker: index) }
            handle(workers[index].inbox.removeFirst(), atWorker: index)
        }
        workers[index].isHandling = false
        armWorker(index)
    }

    private func handle(_ event: WorkerMachine.Event, atWorker index: Int) {
        for effect in workers[index].machine.handle(event, now: now) {
            perform(effect, ofWorker: index)
        }
    }

    private func perform(_ effect: WorkerMachine.Effect, ofWorker index: Int) {
        switch effect {
        case .connect(let endpoint, let link): connect(index, to: endpoint, as: link)
        case .write(let link, let bytes):
            if let connection = workers[index].connections[link] { send(bytes, from: .worker, on: connection) }
        case .close(let link):
            if let connection = workers[index].connections.removeValue(forKey: link) { close(connection, .worker) }
        case .pauseReading, .resumeReading: break
        case .draft(let job): start(job, at: index)
        case .note(let note): take(note, ofWorker: index)
        case .refused(let fault):
            workers[index].isRefused = true
            fail(.blame, "worker \(index) was refused for good: \(fault)")
        }
    }

    private func connect(_ index: Int, to endpoint: Int, as link: LinkID) {
        let life = workers[index].state.life
        let trip = scenario.network.latency + random.duration(below: scenario.network.jitter)
        if workers[index].isCutToVerifier || workers[index].isCutToWorker {
            let action = Action.refuse(worker: index, life: life, link, reason: "connecting timed out")
            schedule(action, after: Self.connectTimeout)
        } else if verifiers[endpoint].state.isDead {
            schedule(.refuse(worker: index, life: life, link, reason: "connection refused"), after: trip * 2)
        } else {
            schedule(.connect(worker: index, life: life, endpoint: endpoint, link), after: trip)
        }
    }

    private func start(_ job: DraftJob, at index: Int) {
        guard !workers[index].compute.isBusy else {
            return fail(.caps, "worker \(index) was handed a draft job while another one was running")
        }
        let plan = scenario.workers[index]
        let before = workers[index].effort.modelSteps
        let result = workers[index].host.perform(job)
        let steps = workers[index].effort.modelSteps - before
        var milliseconds = job.turn == nil ? 0.01 : 0.2
        if steps > 0 {
            statistics.draftSteps += steps
            milliseconds += Double(steps) * plan.stepMilliseconds * (0.8 + 0.4 * random.nextUnit())
            if plan.straggling > 1, !isHealed, random.next(below: 8) == 0 {
                milliseconds *= plan.straggling
                statistics.faults[.straggle, default: 0] += 1
            }
        }
        workers[index].compute.start(
            WorkerProcess.Drafted(result: result),
            now: now,
            taking: .fromMilliseconds(milliseconds)
        )
        scheduleTurnEnd(index)
    }

    func scheduleTurnEnd(_ index: Int) {
        let (life, number) = (workers[index].state.life, workers[index].compute.number)
        queue.schedule(.turnDone(index, life: life, number: number), at: workers[index].compute.endsAt)
    }

    func finishTurn(_ index: Int, life: Int, number: Int) {
        guard workers[index].state.life == life, workers[index].state.isRunning,
            workers[index].compute.number == number, let drafted = workers[index].compute.finish()
        else { return }
        tell(index, life: life, .drafted(drafted.result))
    }

    func wakeWorker(_ index: Int, life: Int) {
        guard workers[index].state.life == life, workers[index].state.wakesAt.map({ $0 <= now }) ?? false else {
            return
        }
        workers[index].state.wakesAt = nil
        guard workers[index].state.isRunning else { return }
        tell(index, life: life, .timer)
    }

    private func armWorker(_ index: Int) {
        guard let deadline = workers[index].machine.deadline else { return }
        if let wake = workers[index].state.wakesAt, wake <= deadline { return }
        let at = max(deadline, now + .microseconds(1))
        workers[index].state.wakesAt = at
        queue.schedule(.wakeWorker(index, life: workers[index].state.life), at: at)
    }
}
