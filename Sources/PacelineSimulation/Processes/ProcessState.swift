import PacelineCluster
import PacelineSpeculation

/// A simulated process as its kernel sees it: which life, whether it runs, its one timer, what waits for it, and its
/// compute thread.
struct ProcessState<Event, Job> {
    enum Status: Equatable {
        case running
        /// As by SIGSTOP: its kernel still takes bytes for it.
        case stopped(since: Instant)
        case dead
    }

    let life: Int
    var status = Status.running
    /// When the scheduled wake-up comes; nil if none is scheduled.
    var wakesAt: Instant?
    /// Events of the process's loop that wait for the present one.
    var inbox: [Event] = []
    var isHandling = false
    /// What its kernel keeps for it while it is stopped.
    var backlog: [Event] = []
    var compute = ComputeState<Job>()
    /// How far its clock is ahead of the others.
    private(set) var clockLead = Duration.zero

    init(life: Int) {
        self.life = life
    }

    /// The process's clock leaps, as after a sleep of its machine.
    mutating func leap(by span: Duration) {
        clockLead += span
    }

    var isRunning: Bool { status == .running }
    var isDead: Bool { status == .dead }
    var isStopped: Bool { !isRunning && !isDead }
}

/// A simulated compute thread: at most one job, which takes its time and shows progress meanwhile.
struct ComputeState<Job> {
    /// How often a working thread moves its stamp, in milliseconds.
    private static var stampInterval: Double { 50 }

    private(set) var job: Job?
    /// Tells jobs apart, and the completions of one job that was delayed.
    private(set) var number = 0
    private(set) var endsAt = Instant.zero
    private var startedAt = Instant.zero
    private var seenStamps = 0
    /// Since when the thread hangs.
    private var hungSince: Instant?

    var isBusy: Bool { job != nil }

    mutating func start(_ job: Job, now: Instant, taking time: Duration) {
        self.job = job
        number += 1
        startedAt = now
        endsAt = now + time
        seenStamps = 0
        hungSince = nil
    }

    mutating func finish() -> Job? {
        defer { job = nil }
        return job
    }

    /// The job takes longer, during which it shows no progress if `isHanging`.
    mutating func delay(by time: Duration, isHanging: Bool, now: Instant) {
        number += 1
        endsAt = endsAt + time
        if isHanging { hungSince = now } else { startedAt = startedAt + time }
    }

    /// Whether the stamp has moved since this was last asked.
    mutating func hasProgressed(now: Instant) -> Bool {
        guard isBusy else { return false }
        let until = hungSince.map { min($0, now) } ?? now
        let stamps = Int((until - startedAt).inMilliseconds / Self.stampInterval)
        defer { seenStamps = max(seenStamps, stamps) }
        return stamps > seenStamps
    }
}
