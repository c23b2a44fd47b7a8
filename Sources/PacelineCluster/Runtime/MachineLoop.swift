import NIOCore

/// Feeds a machine on one event loop: one event at a time, in order, each followed by its effects. Wakes the machine at
/// its deadline, and reports progress of the compute thread before any other event.
///
/// Effects may cause events at once, such as a closed channel. Those wait until the effects before them are done.
final class MachineLoop<Event> {
    let clock = MonotonicClock()
    private let eventLoop: any EventLoop
    /// The event for a deadline that has come.
    private let timer: Event
    /// The event for progress of the compute thread.
    private let progressed: Event
    private let progress: ComputeProgress
    private var lastStamp: UInt64 = 0
    /// Handles one event and returns the machine's next deadline. The owner sets it; events before that are lost.
    var handle: ((Event, Instant) -> Instant?)?
    private var inbox: [Event] = []
    private var isHandling = false
    private var armed: (at: Instant, task: Scheduled<Void>)?
    private var isStopped = false

    init(on eventLoop: any EventLoop, timer: Event, progressed: Event, progress: ComputeProgress) {
        self.eventLoop = eventLoop
        self.timer = timer
        self.progressed = progressed
        self.progress = progress
    }

    func post(_ event: Event) {
        inbox.append(event)
        guard !isHandling else { return }
        isHandling = true
        var deadline: Instant?
        while !inbox.isEmpty {
            let now = clock.now()
            let stamp = progress.stamp
            if stamp != lastStamp {
                lastStamp = stamp
                _ = handle?(progressed, now)
            }
            deadline = handle?(inbox.removeFirst(), now)
        }
        isHandling = false
        arm(deadline)
    }

    /// Stops the timer; later events are still handled.
    func stop() {
        isStopped = true
        armed?.task.cancel()
        armed = nil
    }

    /// A timer that is due too early is left alone: the machine finds nothing to do, and it is set again.
    private func arm(_ deadline: Instant?) {
        guard !isStopped, let deadline else { return }
        if let armed {
            guard deadline < armed.at else { return }
            armed.task.cancel()
        }
        let task = eventLoop.assumeIsolated().scheduleTask(deadline: clock.deadline(for: deadline)) { [weak self] in
            guard let self else { return }
            armed = nil
            post(timer)
        }
        armed = (deadline, task)
    }
}

/// Gives production its instants: NIO's monotonic clock, counted from when the loop was made.
///
/// Wall time never enters a decision, so a clock that jumps cannot hurt a request.
struct MonotonicClock: Sendable {
    private let start = NIODeadline.now()

    func now() -> Instant {
        let elapsed = NIODeadline.now() - start
        return Instant(nanoseconds: UInt64(max(0, elapsed.nanoseconds)))
    }

    /// The NIO deadline at which `instant` will have come.
    func deadline(for instant: Instant) -> NIODeadline {
        start + .nanoseconds(Int64(clamping: instant.nanoseconds))
    }
}
