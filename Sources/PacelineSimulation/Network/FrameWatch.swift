import PacelineWire

/// Follows the frames of one direction of a connection by their lengths, and so knows by which byte the receiver must
/// have noticed a corruption.
struct FrameWatch {
    /// Bytes that have left the sender, a middlebox's additions included.
    private var sent = 0
    /// Bytes that the receiver has got.
    private var delivered = 0
    /// Where the latest frame ends.
    private var frameEnd = 0
    /// The number of delivered bytes by which the receiver must have given up; nil while nothing is wrong.
    private(set) var deadline: Int?
    private(set) var poisonStart: Int?
    /// Where a replayed frame ends if its number may have been right, and no other fault came before it.
    private var replayEnd: Int?

    /// The sender's next bytes are a frame.
    mutating func frameBegins(bytes: Int) {
        frameEnd = max(sent, frameEnd) + bytes
    }

    mutating func left(_ bytes: Int) {
        sent += bytes
    }

    /// The byte at `offset` after those that have left is wrong.
    ///
    /// - Parameter isInsertion: the wrong bytes are extra ones. The receiver then reads the next frame from the wrong
    ///   place, and must notice by the end of its header.
    mutating func poisoned(at offset: Int, isInsertion: Bool = false) {
        poison(from: sent + offset, until: isInsertion ? max(sent, frameEnd) + FrameHeader.byteCount : frameEnd)
    }

    /// What follows after `offset` more bytes is wrong, and the receiver must notice when `count` bytes from here on
    /// have come.
    mutating func poisoned(at offset: Int, by count: Int) {
        poison(from: sent + offset, until: sent + count)
    }

    /// A frame of an earlier connection comes next. Its number may happen to be right; that of the frame behind it is
    /// wrong then, unless that is a replayed one, too.
    mutating func replayed(_ bytes: Int) {
        if replayEnd == sent { deadline = nil }
        if deadline == nil { replayEnd = sent + bytes }
        poison(from: sent, until: sent + bytes + FrameHeader.byteCount)
        left(bytes)
    }

    /// Several faults may strike one frame: what is wrong first counts.
    private mutating func poison(from start: Int, until end: Int) {
        poisonStart = min(poisonStart ?? start, start)
        deadline = deadline ?? end
    }

    /// The receiver has got bytes.
    ///
    /// - Returns: whether it must have noticed by now that something is wrong.
    mutating func deliver(_ bytes: Int) -> Bool {
        delivered += bytes
        return deadline.map { delivered >= $0 } ?? false
    }

    /// Whether the receiver has got a wrong byte.
    var isPoisonDelivered: Bool {
        poisonStart.map { delivered > $0 } ?? false
    }
}
