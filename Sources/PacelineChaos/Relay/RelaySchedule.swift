package import NIOCore
package import PacelineCluster
import PacelineSpeculation

/// When each run of bytes leaves a relay: one direction of one connection, as a value without I/O or clock.
///
/// Arriving bytes are cut into runs the size of a packet, and each run passes the toxics in turn. The buffer is
/// bounded: bytes without room stay with the caller, who stops reading, which slows the sender like a full network.
package struct RelaySchedule: LaneMachine, Sendable {
    /// The longest run: what a packet of 1500 bytes carries.
    package static let runBytes = 1448

    private struct Waiting {
        var departure: LaneDeparture
        var arrivedAt: Instant
        var due: Instant
    }

    /// Bytes that may be held at once.
    package let capacity: Int
    /// Bytes that arrived and have not been released.
    package private(set) var held = 0
    package private(set) var statistics = RelayStatistics.Direction()
    private var stages: [RelayStage]
    /// In the order of arrival, which is also that of departure.
    private var waiting = CircularBuffer<Waiting>()

    /// - Parameters:
    ///   - toxics: in the order in which bytes pass them.
    ///   - seed: of the jitter.
    ///   - capacity: bytes that may be held at once, at least one run.
    package init(_ toxics: [Toxic], seed: UInt64, capacity: Int) {
        self.capacity = max(Self.runBytes, capacity)
        var seeds = SplitMix(seed: seed)
        stages = toxics.map { RelayStage($0, seed: seeds.next()) }
    }

    /// Bytes that there is room for.
    package var room: Int { capacity - held }

    /// Whether nothing is held.
    package var isReleased: Bool { held == 0 }

    /// Runs may be joined, as they may be on any network.
    package var keepsPieces: Bool { false }

    /// When the next run is due; nil if none waits.
    package var nextDeparture: Instant? { waiting.first?.due }

    /// Takes bytes that arrived, as many as there is room for; the rest stays in `bytes`.
    package mutating func arrive(_ bytes: inout ByteBuffer, now: Instant) {
        while bytes.readableBytes > 0, room > 0 {
            guard let run = bytes.readSlice(length: min(bytes.readableBytes, room, Self.runBytes)) else { return }
            held += run.readableBytes
            statistics.arrived(run.readableBytes, held: held)
            schedule(.bytes(run), bytes: run.readableBytes, now: now)
        }
        if bytes.readableBytes > 0 { statistics.refusals += 1 }
    }

    /// The direction ends behind its last byte; nothing may arrive any more.
    package mutating func end(_ ending: LinkEnding, now: Instant) {
        schedule(.ended(ending), bytes: 0, now: now)
    }

    /// The next run if it is due. Its bytes count as held until they are released.
    package mutating func depart(now: Instant) -> LaneDeparture? {
        guard let first = waiting.first, first.due <= now else { return nil }
        waiting.removeFirst()
        if case .bytes = first.departure {
            statistics.departed(delay: first.due - first.arrivedAt, lateness: now - first.due)
        }
        return first.departure
    }

    /// The receiver has taken bytes that departed.
    package mutating func release(_ bytes: Int) {
        held = max(0, held - bytes)
    }

    /// The statistics have told everything.
    package mutating func conclude() {}

    /// A relay has no faults, only times.
    package mutating func takeFaults() -> [FaultRecord] { [] }

    private mutating func schedule(_ departure: LaneDeparture, bytes: Int, now: Instant) {
        var due = now
        for index in stages.indices {
            due = stages[index].pass(bytes: bytes, at: due)
        }
        waiting.append(Waiting(departure: departure, arrivedAt: now, due: due))
    }
}
