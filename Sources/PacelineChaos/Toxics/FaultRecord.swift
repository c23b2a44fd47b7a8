package import PacelineWire

/// How a direction of a proxied connection ends.
package enum LinkEnding: String, Hashable, Sendable {
    /// In order: no more bytes follow in this direction; the other one goes on.
    case closed
    /// The whole connection closes in order, both directions.
    case severed
    /// The whole connection ends with a TCP reset on both sides.
    case reset
    /// The sender's side is reset; the receiver's side stays open and hears nothing.
    case halfOpen = "half_open"

    /// Whether nothing of the connection goes on as before.
    var isFatal: Bool { self != .closed }
}

/// One thing that a toxic did to a connection, and where in the stream.
package struct FaultRecord: Hashable, Sendable {
    package enum Event: Hashable, Sendable {
        /// The draw was above the toxicity: the toxic leaves this direction alone.
        case spared(draw: Double)
        /// From here on the toxic acts.
        case began(draw: Double)
        /// The toxic's time is over, or it was removed.
        case stopped
        /// A packet's worth of bytes comes later.
        case delayed(Duration)
        /// The end of the stream comes later.
        case endDelayed(Duration)
        /// A byte has other bits.
        case flipped(from: UInt8, to: UInt8)
        case dropped(bytes: Int)
        case repeated(bytes: Int)
        case ended(LinkEnding)
        /// What the type says happened to a frame of the draft link.
        case frame(MessageType, sequence: UInt64)
        /// The proxy reads no more.
        case stalled
    }

    package let toxic: String
    package let type: ToxicType
    /// Bytes of the direction that came before.
    package let offset: UInt64
    package let event: Event
}

extension FaultRecord {
    /// Whether a connection felt it. That a toxic begins, stops or spares a connection is only told.
    var isFault: Bool {
        switch event {
        case .spared, .began, .stopped: false
        case .delayed, .endDelayed, .flipped, .dropped, .repeated, .frame, .ended, .stalled: true
        }
    }
}
