import NIOCore
import PacelineCluster

/// One direction of one connection: moves bytes from a source through the schedule to a sink, on one event loop. The
/// schedule decides what leaves when; the lane reads, writes and keeps a timer.
final class RelayLane {
    private let source: any Channel
    private let sink: any Channel
    private(set) var schedule: RelaySchedule
    /// Bytes that were read but found no room. Nothing more is read until they have some.
    private var overflow = ByteBuffer()
    /// How the source has ended, until the schedule knows it.
    private var pendingEnding: RelaySchedule.Ending?
    private var hasSourceEnded = false
    /// The end that has departed, while the bytes before it are still being written.
    private var departedEnding: RelaySchedule.Ending?
    /// The end has been passed on.
    private(set) var isFinished = false
    /// A write to the sink has failed.
    private(set) var hasSinkFailed = false
    private var isReading = false
    private var isPumping = false
    private var isAbandoned = false
    private var armed: (at: Instant, task: Scheduled<Void>)?
    /// Called once, when the last byte has been handed to the sink.
    private let onEnd: (RelaySchedule.Ending) -> Void

    init(
        from source: any Channel,
        to sink: any Channel,
        schedule: RelaySchedule,
        onEnd: @escaping (RelaySchedule.Ending) -> Void
    ) {
        self.source = source
        self.sink = sink
        self.schedule = schedule
        self.onEnd = onEnd
    }

    func received(_ bytes: inout ByteBuffer) {
        isReading = false
        overflow.writeBuffer(&bytes)
        pump()
    }

    /// Nothing more comes from the source.
    func sourceEnded(_ ending: RelaySchedule.Ending) {
        guard !hasSourceEnded else { return }
        hasSourceEnded = true
        pendingEnding = ending
        pump()
    }

    /// The sink is gone, and with it everything on its way there.
    func abandon() {
        isAbandoned = true
        armed?.task.cancel()
        armed = nil
        overflow.clear()
    }

    /// Moves everything that can move now, and arranges to be called when more can.
    func pump() {
        guard !isPumping, !isAbandoned else { return }
        isPumping = true
        repeat {
            let now = Instant.monotonic
            admit(now: now)
            while let departure = schedule.depart(now: now) { perform(departure) }
            sink.flush()
            // A sink that took everything at once has made room.
        } while overflow.readableBytes > 0 && schedule.room > 0 && !isAbandoned
        isPumping = false
        finishIfWritten()
        readIfThereIsRoom()
        arm()
    }

    private func admit(now: Instant) {
        if overflow.readableBytes > 0 {
            schedule.arrive(&overflow, now: now)
            if overflow.readableBytes == 0 { overflow.clear() }
        }
        guard let ending = pendingEnding, overflow.readableBytes == 0 else { return }
        pendingEnding = nil
        schedule.end(ending, now: now)
    }

    private func perform(_ departure: RelaySchedule.Departure) {
        switch departure {
        case .ended(let ending): departedEnding = ending
        case .bytes(let bytes):
            let count = bytes.readableBytes
            sink.write(bytes).assumeIsolated().whenComplete { [weak self] result in
                guard let self else { return }
                if case .failure = result { hasSinkFailed = true }
                schedule.release(count)
                pump()
            }
        }
    }

    /// Closing a socket drops unwritten bytes, so an orderly end waits for them.
    private func finishIfWritten() {
        guard let ending = departedEnding, ending == .reset || schedule.held == 0, !isAbandoned else { return }
        departedEnding = nil
        isFinished = true
        onEnd(ending)
    }

    private func readIfThereIsRoom() {
        guard !isReading, !hasSourceEnded, !isAbandoned, overflow.readableBytes == 0, schedule.room > 0 else { return }
        isReading = true
        source.read()
    }

    private func arm() {
        guard !isAbandoned, let due = schedule.nextDeparture, due != armed?.at else { return }
        armed?.task.cancel()
        let task = source.eventLoop.assumeIsolated().scheduleTask(deadline: due.deadline) { [weak self] in
            guard let self else { return }
            armed = nil
            pump()
        }
        armed = (due, task)
    }
}

extension Instant {
    /// The present moment on the clock of the event loops.
    fileprivate static var monotonic: Instant {
        Instant(nanoseconds: NIODeadline.now().uptimeNanoseconds)
    }

    fileprivate var deadline: NIODeadline {
        .uptimeNanoseconds(nanoseconds)
    }
}
