import NIOCore
import PacelineCluster
import PacelineSpeculation

@testable import PacelineChaos

/// What a schedule did to a seeded sender's bytes, in virtual time.
struct RelayJournal {
    struct Run: Hashable {
        var bytes: Int
        var arrived: Instant
        var departed: Instant
    }

    var sent: [UInt8] = []
    var received: [UInt8] = []
    var runs: [Run] = []
    var peakHeld = 0
    var refusals = 0

    /// Two thousand writes of 1 to 400 bytes, up to `spacing` apart, with a large one now and then. A sender whose
    /// bytes find no room waits, and the receiver takes what it is given at once.
    static func run(
        _ schedule: RelaySchedule,
        seed: UInt64,
        spacing: Duration = .microseconds(200)
    ) -> RelayJournal {
        var (schedule, journal) = (schedule, RelayJournal())
        var random = SplitMix(seed: seed)
        var now = Instant.zero
        var pending = ByteBuffer()
        for index in 0..<2000 {
            now = now + spacing * random.nextUnit()
            let count = 1 + random.next(below: index % 100 == 0 ? 8000 : 400)
            let bytes = (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            journal.sent += bytes
            pending.writeBytes(bytes)
            journal.advance(&schedule, &pending, to: now)
        }
        while let due = schedule.nextDeparture {
            journal.advance(&schedule, &pending, to: max(now, due))
        }
        journal.refusals = schedule.statistics.refusals
        return journal
    }

    private mutating func advance(_ schedule: inout RelaySchedule, _ pending: inout ByteBuffer, to now: Instant) {
        while let due = schedule.nextDeparture, due <= now {
            guard case .bytes(let bytes)? = schedule.depart(now: due) else { continue }
            received += Array(bytes.readableBytesView)
            runs[departed].departed = due
            departed += 1
            schedule.release(bytes.readableBytes)
            admit(&schedule, &pending, now: due)
        }
        admit(&schedule, &pending, now: now)
        while schedule.nextDeparture == now { advance(&schedule, &pending, to: now) }
    }

    private mutating func admit(_ schedule: inout RelaySchedule, _ pending: inout ByteBuffer, now: Instant) {
        let before = pending.readableBytes
        schedule.arrive(&pending, now: now)
        var left = before - pending.readableBytes
        // Whole runs, and what is left of the room or of the bytes.
        while left > 0 {
            let bytes = min(left, RelaySchedule.runBytes)
            runs.append(Run(bytes: bytes, arrived: now, departed: now))
            left -= bytes
        }
        peakHeld = max(peakHeld, schedule.held)
    }

    private var departed = 0
}
