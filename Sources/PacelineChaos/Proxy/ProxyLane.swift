import NIOCore
import PacelineCluster

/// One direction of one proxied connection, on one event loop: reads, writes and keeps a timer. The machine decides
/// what leaves, and when.
final class ProxyLane<Machine: LaneMachine> {
    /// How long the receiver of a connection that a toxic closes has to take the bytes before.
    private let receiverPatience = TimeAmount.seconds(1)

    private let source: any Channel
    private let sink: any Channel
    private(set) var machine: Machine
    /// Bytes that were read but found no room. Nothing more is read until they have some.
    private var overflow = ByteBuffer()
    /// How the source has ended, until the machine knows it.
    private var pendingEnding: LinkEnding?
    private var hasSourceEnded = false
    /// The end that has departed, while the bytes before it are still being written.
    private var departedEnding: LinkEnding?
    /// The end has been passed on.
    private(set) var isFinished = false
    /// A write to the sink has failed.
    private(set) var hasSinkFailed = false
    /// A severed connection waits for its receiver.
    private var isWaitingForReceiver = false
    private var isReading = false
    private var isPumping = false
    private var isAbandoned = false
    private var armed: (at: Instant, task: Scheduled<Void>)?
    /// Takes what the toxics did.
    private let onFaults: ([FaultRecord]) -> Void
    /// Called when the last byte has been handed to the sink; and once more if a toxic ends the whole connection later.
    private let onEnd: (LinkEnding) -> Void

    init(
        from source: any Channel,
        to sink: any Channel,
        machine: Machine,
        onFaults: @escaping ([FaultRecord]) -> Void,
        onEnd: @escaping (LinkEnding) -> Void
    ) {
        self.source = source
        self.sink = sink
        self.machine = machine
        self.onFaults = onFaults
        self.onEnd = onEnd
    }

    func received(_ bytes: inout ByteBuffer) {
        isReading = false
        guard !isAbandoned, !isFinished else { return }
        // What waits is counted by its bytes, and a read of a few comes in a buffer for many.
        if bytes.readableBytes < bytes.storageCapacity / 2 { bytes = ByteBuffer(bytes: bytes.readableBytesView) }
        if overflow.readableBytes == 0 { overflow = bytes } else { overflow.writeBuffer(&bytes) }
        pump()
    }

    /// Nothing more comes from the source.
    func sourceEnded(_ ending: LinkEnding) {
        guard !hasSourceEnded else { return }
        hasSourceEnded = true
        pendingEnding = ending
        pump()
    }

    /// The receiver cannot be reached any more, and nothing passes from now on.
    func abandon() {
        isAbandoned = true
        armed?.task.cancel()
        armed = nil
        overflow = ByteBuffer()
    }

    /// The connection is over: tells what was not told yet.
    func conclude() {
        machine.conclude()
        let faults = machine.takeFaults()
        if !faults.isEmpty { onFaults(faults) }
    }

    /// Changes the toxics, and moves what may move now.
    func change(_ body: (inout Machine, Instant) -> Void) {
        body(&machine, .onEventLoop)
        pump()
    }

    /// Moves everything that can move now, and arranges to be called when more can.
    func pump() {
        guard !isPumping, !isAbandoned else { return }
        isPumping = true
        repeat {
            let now = Instant.onEventLoop
            admit(now: now)
            while let departure = machine.depart(now: now) {
                perform(departure)
                if machine.keepsPieces { sink.flush() }
            }
            sink.flush()
            // A sink that took everything at once has made room.
        } while overflow.readableBytes > 0 && machine.room > 0 && !isAbandoned
        isPumping = false
        let faults = machine.takeFaults()
        if !faults.isEmpty { onFaults(faults) }
        finishIfWritten()
        readIfThereIsRoom()
        arm()
    }

    private func admit(now: Instant) {
        if overflow.readableBytes > 0 {
            machine.arrive(&overflow, now: now)
            if overflow.readableBytes == 0 { overflow = ByteBuffer() }
        }
        guard let ending = pendingEnding, overflow.readableBytes == 0 else { return }
        pendingEnding = nil
        machine.end(ending, now: now)
    }

    private func perform(_ departure: LaneDeparture) {
        switch departure {
        case .ended(let ending): departedEnding = departedEnding ?? ending
        case .bytes(let bytes):
            let count = bytes.readableBytes
            sink.write(bytes).assumeIsolated().whenComplete { [weak self] result in
                guard let self else { return }
                if case .failure = result { hasSinkFailed = true }
                machine.release(count)
                pump()
            }
        }
    }

    /// Closing a socket drops unwritten bytes, so an orderly end waits for them.
    private func finishIfWritten() {
        guard let ending = departedEnding, !isAbandoned else { return }
        if ending == .severed, !machine.isReleased { return waitForReceiver() }
        guard ending == .reset || ending == .halfOpen || machine.isReleased else { return }
        pass(ending)
    }

    private func pass(_ ending: LinkEnding) {
        departedEnding = nil
        isFinished = true
        onEnd(ending)
    }

    /// Ends a severed connection after a while even if the receiver does not read.
    private func waitForReceiver() {
        guard !isWaitingForReceiver else { return }
        isWaitingForReceiver = true
        _ = source.eventLoop.assumeIsolated().scheduleTask(in: receiverPatience) { [weak self] in
            guard let self, let ending = departedEnding, !isAbandoned else { return }
            pass(ending)
        }
    }

    private func readIfThereIsRoom() {
        guard !isReading, !hasSourceEnded, !isAbandoned, !isFinished else { return }
        guard overflow.readableBytes == 0, machine.room > 0 else { return }
        isReading = true
        source.read()
    }

    private func arm() {
        // A direction that has ended may still have a toxic whose time comes.
        guard !isAbandoned, let due = machine.nextDeparture, due != armed?.at else { return }
        armed?.task.cancel()
        let task = source.eventLoop.assumeIsolated().scheduleTask(deadline: due.onEventLoop) { [weak self] in
            guard let self else { return }
            armed = nil
            pump()
        }
        armed = (due, task)
    }
}

extension Instant {
    /// The present moment on the clock of the event loops.
    static var onEventLoop: Instant {
        Instant(nanoseconds: NIODeadline.now().uptimeNanoseconds)
    }

    fileprivate var onEventLoop: NIODeadline {
        .uptimeNanoseconds(nanoseconds)
    }
}
