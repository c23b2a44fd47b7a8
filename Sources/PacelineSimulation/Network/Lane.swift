import NIOCore
import PacelineCluster
import PacelineSpeculation
import PacelineWire

/// One direction of a simulated TCP connection: the bytes that wait at the sender, and those on their way.
///
/// Bytes keep their order and arrive once, as TCP promises, unless a fault breaks the promise. Bytes leave while the
/// window has room for unacknowledged ones, so a receiver that reads nothing stops its sender.
///
/// A class, because it is asked something at every piece that arrives, and asking a value that an object holds copies
/// it.
final class Lane {
    /// What comes out at the receiver.
    enum Piece {
        case opened
        case bytes(ByteBuffer)
        /// The orderly end of the stream.
        case end
        /// The end with an error.
        case reset(String)

        var isEnd: Bool {
            switch self {
            case .end, .reset: true
            case .opened, .bytes: false
            }
        }
    }

    private struct Write {
        var bytes: ByteBuffer
        let count: Int
    }

    /// Written by the application, not yet taken by the network.
    private var outbox: [Write] = []
    private(set) var outboxBytes = 0
    /// On the way or waiting at the receiver, in order of arrival.
    private var pieces: [(at: Instant, piece: Piece)] = []
    private var firstPiece = 0
    private var unacknowledged = 0
    /// Taken by the receiver while acknowledgements could not get through.
    private var unreported = 0
    private var lastArrival = Instant.zero
    /// When the line is free again, if bandwidth is bounded.
    private var freeAt = Instant.zero
    /// Whether the application has closed; the end then follows the last byte.
    private(set) var isEnding = false
    /// Whether all bytes are lost from now on, without an error.
    var isBlackHole = false
    /// Whether the event queue holds a delivery.
    var isDeliveryScheduled = false
    var watch = FrameWatch()
    /// Whether the next frame that leaves is sent twice.
    var duplicatesNext = false
    /// Whether the end of the next frame that leaves is lost.
    var truncatesNext = false
    /// Whether the next frame waits until the one behind it has left.
    var reordersNext = false
    /// The frame that waits.
    private var held: Write?
    /// How many bits of the next piece to flip.
    var corruptsNext = 0

    /// When the next piece arrives; nil if none is on its way.
    var nextArrival: Instant? {
        firstPiece < pieces.count ? pieces[firstPiece].at : nil
    }

    /// Whether the application's bytes have all left.
    var isDrained: Bool { outbox.isEmpty && held == nil }
    /// Whether the last frame that left did so as a whole.
    var isBetweenFrames: Bool { outbox.first.map { $0.count == $0.bytes.readableBytes } ?? true && held == nil }

    func write(_ bytes: ByteBuffer) {
        outbox.append(Write(bytes: bytes, count: bytes.readableBytes))
        outboxBytes += bytes.readableBytes
    }

    /// The application closes its side.
    func finish() {
        isEnding = true
        if let held = held.take() { outbox.insert(held, at: 0) }
    }

    /// Moves what the window allows onto the wire.
    ///
    /// - Returns: the sizes of the writes that have left completely.
    func depart(_ network: Scenario.Network, now: Instant, random: inout SplitMix) -> [Int] {
        var left: [Int] = []
        reorder()
        while let first = outbox.first, unacknowledged < network.windowBytes {
            var bytes = first.bytes
            let room = min(bytes.readableBytes, network.windowBytes - unacknowledged)
            guard var part = bytes.readSlice(length: room) else { break }
            if first.count == first.bytes.readableBytes { watch.frameBegins(bytes: first.count) }
            outboxBytes -= room
            let gone = truncate(&part, of: first, random: &random)
            unacknowledged += room - gone
            transmit(part, network, now: now, random: &random)
            if bytes.readableBytes == 0 {
                outbox.removeFirst()
                left.append(first.count)
                if duplicatesNext { duplicate(first.count, part, network, now: now, random: &random) }
            } else {
                outbox[0].bytes = bytes
            }
        }
        if isEnding, outbox.isEmpty {
            isEnding = false
            push(.end, network, bytes: 0, now: now, random: &random)
        }
        return left
    }

    /// Appends a piece to those on the wire.
    func push(
        _ piece: Piece,
        _ network: Scenario.Network,
        bytes: Int,
        now: Instant,
        random: inout SplitMix
    ) {
        var leaves = now
        if let rate = network.bytesPerSecond {
            freeAt = max(freeAt, now) + .fromMilliseconds(Double(bytes) / rate * 1000)
            leaves = freeAt
        }
        let due = leaves + network.latency + random.duration(below: network.jitter)
        lastArrival = max(lastArrival, due)
        pieces.append((lastArrival, piece))
    }

    /// The next piece that has arrived by now.
    func take(now: Instant) -> Piece? {
        guard let at = nextArrival, at <= now else { return nil }
        let piece = pieces[firstPiece].piece
        firstPiece += 1
        if firstPiece == pieces.count {
            pieces.removeAll(keepingCapacity: true)
            firstPiece = 0
        }
        return piece
    }

    /// The receiver has taken bytes.
    ///
    /// - Parameter isReported: whether the sender learns of it now.
    func acknowledge(_ bytes: Int, isReported: Bool) {
        unreported += bytes
        guard isReported else { return }
        unacknowledged = max(0, unacknowledged - unreported)
        unreported = 0
    }

    /// Drops what is on its way; the receiver gets an error instead.
    func reset(_ reason: String, at: Instant) {
        clear()
        pieces.append((at, .reset(reason)))
        lastArrival = at
    }

    /// Drops everything that waits or is on its way.
    func clear() {
        outbox.removeAll()
        held = nil
        outboxBytes = 0
        pieces.removeAll()
        firstPiece = 0
        isEnding = false
    }

    /// Drops what is on its way except part of the next piece, and ends the stream as if in order.
    func cut(keeping share: Double, at: Instant) {
        var rest: ByteBuffer?
        if case .bytes(let bytes)? = firstPiece < pieces.count ? pieces[firstPiece].piece : nil {
            rest = bytes.getSlice(at: bytes.readerIndex, length: Int(Double(bytes.readableBytes) * share))
        }
        clear()
        if let rest, rest.readableBytes > 0 { pieces.append((at, .bytes(rest))) }
        pieces.append((at, .end))
        lastArrival = at
    }

    /// Sends again everything that could not get through.
    func resume(at: Instant) {
        for index in firstPiece..<pieces.count where pieces[index].at < at {
            pieces[index].at = at
        }
        lastArrival = max(lastArrival, at)
    }
}

extension Lane {
    /// Lets a frame wait for the next, or go behind it once that has come.
    private func reorder() {
        guard let first = outbox.first, first.count == first.bytes.readableBytes, !isEnding else { return }
        if let waiting = held.take() {
            outbox.insert(waiting, at: 1)
            watch.poisoned(at: 0, by: FrameHeader.byteCount)
        } else if reordersNext {
            reordersNext = false
            held = outbox.removeFirst()
            reorder()
        }
    }

    /// Loses the end of a frame that is about to leave in one piece.
    ///
    /// - Returns: how many bytes are lost.
    private func truncate(_ part: inout ByteBuffer, of write: Write, random: inout SplitMix) -> Int {
        guard truncatesNext, part.readableBytes == write.count, write.count > 0 else { return 0 }
        truncatesNext = false
        let drawn = 1 + random.next(below: write.count)
        // If the whole of a frame that had overtaken another were lost, the other would come in its turn, and nothing
        // would be wrong yet.
        let gone = watch.deadline == nil ? drawn : min(drawn, write.count - 1)
        // Whatever follows is read as the rest of this frame.
        watch.poisoned(at: write.count - gone)
        part.moveWriterIndex(to: part.writerIndex - gone)
        return gone
    }

    /// Puts a frame of an earlier connection between two frames.
    func replay(_ frame: ByteBuffer, _ network: Scenario.Network, now: Instant, random: inout SplitMix) {
        let length = frame.readableBytes
        watch.replayed(length)
        push(.bytes(frame), network, bytes: length, now: now, random: &random)
    }

    /// Cuts bytes into pieces of random size.
    private func transmit(
        _ bytes: ByteBuffer,
        _ network: Scenario.Network,
        now: Instant,
        random: inout SplitMix
    ) {
        var rest = bytes
        while rest.readableBytes > 0 {
            let count = min(rest.readableBytes, 1 + random.next(below: network.sliceBytes))
            guard let piece = rest.readSlice(length: count) else { return }
            push(.bytes(corrupted(piece, random: &random)), network, bytes: count, now: now, random: &random)
            watch.left(count)
        }
    }

    private func corrupted(_ piece: ByteBuffer, random: inout SplitMix) -> ByteBuffer {
        guard corruptsNext > 0 else { return piece }
        var bytes = Array(piece.readableBytesView)
        let place = random.next(below: bytes.count)
        for _ in 0..<corruptsNext {
            // Distinct bits, or two flips would undo each other.
            bytes[place] ^= 1 << UInt8(corruptsNext % 8)
            corruptsNext -= 1
        }
        watch.poisoned(at: place)
        return ByteBuffer(bytes: bytes)
    }

    /// Sends the end of a frame twice, as a broken middlebox may.
    private func duplicate(
        _ count: Int,
        _ bytes: ByteBuffer,
        _ network: Scenario.Network,
        now: Instant,
        random: inout SplitMix
    ) {
        duplicatesNext = false
        // A repeated whole frame is valid; only its number gives it away.
        let isWhole = random.next(below: 2) == 0
        let length = isWhole ? bytes.readableBytes : 1 + random.next(below: bytes.readableBytes)
        let start = bytes.readerIndex + bytes.readableBytes - length
        guard let again = bytes.getSlice(at: start, length: length) else { return }
        watch.poisoned(at: 0, isInsertion: true)
        watch.left(length)
        push(.bytes(again), network, bytes: length, now: now, random: &random)
    }
}
