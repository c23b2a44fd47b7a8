package import NIOCore
import PacelineCluster

/// What leaves a direction of a connection.
package enum LaneDeparture: Hashable, Sendable {
    case bytes(ByteBuffer)
    /// The end, after all bytes.
    case ended(LinkEnding)
}

/// Decides which bytes of one direction of a connection leave, and when: a value without I/O or clock.
///
/// What is held is bounded: bytes without room stay with the caller, who stops reading, which slows the sender like a
/// full network.
protocol LaneMachine {
    /// Bytes that there is room for.
    var room: Int { get }
    /// When something happens next without new bytes; nil if never.
    var nextDeparture: Instant? { get }
    /// Whether the receiver has taken all bytes that have departed.
    var isReleased: Bool { get }
    /// Whether pieces must not be joined on their way out.
    var keepsPieces: Bool { get }

    /// Takes bytes that arrived, as many as there is room for; the rest stays in `bytes`.
    mutating func arrive(_ bytes: inout ByteBuffer, now: Instant)
    /// The direction ends behind its last byte; nothing may arrive any more.
    mutating func end(_ ending: LinkEnding, now: Instant)
    /// The next bytes, or the end, if they are due. The bytes count as held until they are released.
    mutating func depart(now: Instant) -> LaneDeparture?
    /// The receiver has taken bytes that departed.
    mutating func release(_ bytes: Int)
    /// The connection is over: tells what was kept count of.
    mutating func conclude()
    /// What was done to the bytes since this was asked last.
    mutating func takeFaults() -> [FaultRecord]
}
