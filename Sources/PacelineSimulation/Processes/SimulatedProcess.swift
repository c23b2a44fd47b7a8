import PacelineCluster
import PacelineSpeculation

/// The input of a state machine that a process drives: its own events, and those every process makes.
protocol MachineEvent {
    static var timer: Self { get }
    static var progressed: Self { get }
}

extension VerifierMachine.Event: MachineEvent {}
extension WorkerMachine.Event: MachineEvent {}

/// A process that drives a state machine of production: one event after the other, a timer, a compute thread. It can
/// be stopped, killed and restarted.
protocol SimulatedProcess: ConnectionOwner {
    associatedtype Event: MachineEvent
    associatedtype Job

    var timeline: Timeline { get }
    var journal: Journal { get }
    var network: SimulatedNetwork { get }
    var state: ProcessState<Event, Job> { get set }
    /// When the machine wants to be woken.
    var deadline: Instant? { get }

    /// Hands an event to the machine and performs its effects.
    func handle(_ event: Event)
    /// The compute thread has finished a job.
    func complete(_ job: Job)
    /// All events that waited have been handled.
    func didHandleEvents()
    /// The process was stopped and goes on now.
    func willResume()
    /// Becomes a new process, in its next life.
    func boot(life: Int)
    /// The new process starts to run.
    func didBoot()
}

extension SimulatedProcess {
    var life: Int { state.life }
    var isDead: Bool { state.isDead }
    var isStopped: Bool { state.isStopped }
    /// What the process's clock shows.
    var clock: Instant { timeline.now + state.clockLead }

    /// Hands over an event, or leaves it with the kernel while the process is stopped.
    func tell(_ event: Event) {
        switch state.status {
        case .dead: return
        case .stopped: state.backlog.append(event)
        case .running:
            // As in production, what an effect causes waits until the effects before it are done.
            guard !state.isHandling else { return state.inbox.append(event) }
            state.isHandling = true
            handleInTurn(event)
            if !state.inbox.isEmpty { handleInbox() }
            state.isHandling = false
            didHandleEvents()
            armTimer()
        }
    }

    private func handleInbox() {
        var handled = 0
        while handled < state.inbox.count {
            let event = state.inbox[handled]
            handled += 1
            handleInTurn(event)
        }
        state.inbox.removeAll(keepingCapacity: true)
    }

    private func handleInTurn(_ event: Event) {
        guard !journal.isBroken else { return }
        if state.compute.hasProgressed(now: timeline.now) { handle(.progressed) }
        handle(event)
    }

    // MARK: Timer and compute thread

    private func armTimer() {
        guard let deadline = deadline?.advanced(by: .zero - state.clockLead) else { return }
        if let wake = state.wakesAt, wake <= deadline { return }
        wake(at: max(deadline, timeline.now + .microseconds(1)))
    }

    func wake(at time: Instant) {
        state.wakesAt = time
        timeline.schedule(at: time) { [unowned self, life = state.life] in timerFired(life: life) }
    }

    private func timerFired(life: Int) {
        guard state.life == life, let due = state.wakesAt, due <= timeline.now else { return }
        state.wakesAt = nil
        if state.isRunning { tell(.timer) }
    }

    func compute(_ job: Job, taking time: Duration) {
        state.compute.start(job, now: timeline.now, taking: time)
        scheduleCompletion()
    }

    private func scheduleCompletion() {
        timeline.schedule(at: state.compute.endsAt) {
            [unowned self, life = state.life, number = state.compute.number] in
            guard state.life == life, state.isRunning, state.compute.number == number,
                let job = state.compute.finish()
            else { return }
            complete(job)
        }
    }

    /// The compute thread hangs for a while.
    func hang(for span: Duration) {
        state.compute.delay(by: span, isHanging: true, now: timeline.now)
        scheduleCompletion()
    }

    /// The process's clock leaps.
    func leap(by span: Duration) {
        state.leap(by: span)
        if state.isRunning { armTimer() }
    }

    // MARK: Lives

    func stop() {
        state.status = .stopped(since: timeline.now)
    }

    /// Goes on if it is still in the life in which it was stopped.
    func resume(life: Int) {
        guard state.life == life, case .stopped(let since) = state.status else { return }
        state.status = .running
        willResume()
        if state.compute.isBusy {
            state.compute.delay(by: timeline.now - since, isHanging: false, now: timeline.now)
            scheduleCompletion()
        }
        let backlog = state.backlog
        state.backlog = []
        // A process that wakes may see its timers or its sockets first.
        let isTimerFirst = timeline.random.next(below: 2) == 0
        if isTimerFirst { tell(.timer) }
        for event in backlog {
            tell(event)
        }
        network.pumpConnections(of: self)
        if !isTimerFirst { tell(.timer) }
    }

    func restart() {
        guard state.isDead else { return }
        boot(life: state.life + 1)
        didBoot()
    }
}
