import NIOCore
import PacelineCluster
import PacelineSpeculation

extension ToxicStage {
    /// What the toxic does with bytes that come in at `now`.
    mutating func act(on bytes: ByteBuffer, at now: Instant) {
        switch toxic.type {
        case .latency: delay(bytes, at: now)
        case .bandwidth: throttle(bytes, at: now)
        case .slicer: slice(bytes, at: now)
        case .limitData: limit(bytes, at: now)
        case .timeout, .resetPeer, .halfOpen: memory.dropped += bytes.readableBytes
        case .blackhole: push(.bytes(bytes), due: Self.never)
        case .corrupt: corrupt(bytes, at: now)
        case .truncate: truncate(bytes, at: now)
        case .duplicate: duplicate(bytes, at: now)
        case .slowClose, .stallRead: push(.bytes(bytes), due: now)
        case .dupFrame, .dropFrame, .reorderFrame, .oversizeLength, .staleReplay, .badHello, .byzantine, .lieQ,
            .deepTree, .floodFrame:
            takeFrames(from: bytes, at: now)
        }
    }

    /// What it does with the end.
    mutating func enter(_ ending: LinkEnding, at now: Instant) {
        guard case .acting = activity else { return push(.ending(ending), due: now) }
        flushFrames(at: now)
        switch toxic.type {
        case .latency: push(.ending(ending), due: now + deviated(at: position / UInt64(StreamLattice.packetBytes)))
        case .slowClose where ending != .reset:
            record(.endDelayed(toxic.time("delay")))
            push(.ending(ending), due: now + toxic.time("delay"))
        case .blackhole: push(.ending(ending), due: Self.never)
        case .bandwidth where toxic.count("rate") == 0: push(.ending(ending), due: Self.never)
        // The reset comes anyway, and hides the end; unless the toxic goes before.
        case .resetPeer where ending == .closed: memory.hiddenEnding = ending
        default: push(.ending(ending), due: now)
        }
    }

    // MARK: Time

    /// The delay in a packet's worth of the stream.
    private func deviated(at cell: UInt64) -> Duration {
        let deviation = toxic.time("jitter") * (2 * draws.unit(.jitter, at: cell) - 1)
        return max(.zero, toxic.time("latency") + deviation)
    }

    private mutating func delay(_ bytes: ByteBuffer, at now: Instant) {
        guard toxic.count("jitter") > 0 else { return push(.bytes(bytes), due: now + toxic.time("latency")) }
        forEachCell(of: StreamLattice.packetBytes, in: bytes) { stage, piece, cell in
            let delay = stage.deviated(at: cell.number)
            if cell.start == 0 { stage.record(.delayed(delay), at: cell.position) }
            stage.push(.bytes(piece), due: now + delay)
        }
    }

    /// Each piece leaves when its last byte is through the line.
    private mutating func throttle(_ bytes: ByteBuffer, at now: Instant) {
        let rate = toxic.count("rate")
        guard rate > 0 else { return push(.bytes(bytes), due: Self.never) }
        var rest = bytes
        // A fiftieth of a second, so that slow lines trickle.
        let most = max(1, min(StreamLattice.packetBytes, 20 * min(rate, StreamLattice.packetBytes)))
        while let piece = rest.readSlice(length: min(most, rest.readableBytes)), piece.readableBytes > 0 {
            // A kilobyte a second is a byte a millisecond.
            let time = Duration.nanoseconds(piece.readableBytes * 1_000_000) / rate
            push(.bytes(piece), due: max(lastExit, now) + time)
        }
    }

    // MARK: Pieces

    private mutating func slice(_ bytes: ByteBuffer, at now: Instant) {
        var rest = bytes
        var place = position
        var slice = memory.slice ?? (place &+ sliceSize(0), 0)
        while rest.readableBytes > 0 {
            let left = Int(clamping: slice.end > place ? slice.end - place : 1)
            guard let piece = rest.readSlice(length: min(left, rest.readableBytes)) else { break }
            place &+= UInt64(piece.readableBytes)
            push(.bytes(piece), due: max(now, memory.nextSlice))
            guard place >= slice.end else { break }
            memory.nextSlice = lastExit + .microseconds(toxic.count("delay"))
            slice = (place &+ sliceSize(slice.number &+ 1), slice.number &+ 1)
        }
        memory.slice = slice
    }

    private func sliceSize(_ number: UInt64) -> UInt64 {
        let variation = toxic.count("size_variation")
        var random = draws.generator(.slice, at: number)
        let deviation = random.next(below: 2 * variation + 1) - variation
        return UInt64(max(1, toxic.count("average_size") + deviation))
    }

    private mutating func limit(_ bytes: ByteBuffer, at now: Instant) {
        let limit = UInt64(toxic.count("bytes"))
        let room = limit > memory.passed ? limit - memory.passed : 0
        let count = min(bytes.readableBytes, Int(clamping: room))
        if count > 0, let head = bytes.getSlice(at: bytes.readerIndex, length: count) {
            push(.bytes(head), due: now)
            memory.passed &+= UInt64(count)
        }
        if memory.passed >= limit { end(.severed, at: now, offset: position &+ UInt64(count)) }
    }

    // MARK: Damage

    private mutating func corrupt(_ bytes: ByteBuffer, at now: Instant) {
        let (rate, bits) = (toxic["rate"], toxic.count("bits"))
        var changed = bytes
        for index in 0..<bytes.readableBytes {
            let place = position &+ UInt64(index)
            guard draws.unit(.corrupt, at: place) < rate, mayStrike else { continue }
            var random = draws.generator(.bits, at: place)
            var mask: UInt8 = 0
            while mask.nonzeroBitCount < min(bits, 8) { mask |= 1 << UInt8(random.next(below: 8)) }
            let offset = bytes.readerIndex + index
            guard let byte = bytes.getInteger(at: offset, as: UInt8.self) else { continue }
            changed.setInteger(byte ^ mask, at: offset)
            record(.flipped(from: byte, to: byte ^ mask), at: place)
        }
        push(.bytes(changed), due: now)
    }

    private mutating func truncate(_ bytes: ByteBuffer, at now: Instant) {
        let (rate, size) = (toxic["rate"], toxic.count("segment"))
        let kept = max(0, size - toxic.count("bytes"))
        forEachCell(of: size, in: bytes) { stage, piece, cell in
            guard stage.draws.unit(.segment, at: cell.number) < rate, stage.mayStrike else {
                return stage.push(.bytes(piece), due: now)
            }
            let end = cell.start + piece.readableBytes
            if let head = piece.getSlice(at: piece.readerIndex, length: max(0, min(end, kept) - cell.start)),
                head.readableBytes > 0
            {
                stage.push(.bytes(head), due: now)
            }
            guard end == size else { return }
            // The whole loss is told when its last byte has come.
            let offset = cell.number &* UInt64(size) &+ UInt64(kept)
            stage.record(.dropped(bytes: size - kept), at: offset)
        }
    }

    private mutating func duplicate(_ bytes: ByteBuffer, at now: Instant) {
        let (rate, size) = (toxic["rate"], toxic.count("segment"))
        forEachCell(of: size, in: bytes) { stage, piece, cell in
            stage.push(.bytes(piece), due: now)
            guard stage.draws.unit(.segment, at: cell.number) < rate, stage.mayStrike else { return }
            if cell.start == 0 { stage.memory.segment.clear() }
            var copy = piece
            stage.memory.segment.writeBuffer(&copy)
            guard cell.start + piece.readableBytes == size else { return }
            let count = stage.memory.segment.readableBytes
            stage.record(.repeated(bytes: count), at: cell.number &* UInt64(size))
            stage.push(.bytes(stage.memory.segment), due: now)
            stage.memory.segment = ByteBuffer()
        }
    }

    /// A part of a cell: the cell's number, where the part begins in it, and where in the stream.
    private typealias CellPart = (number: UInt64, start: Int, position: UInt64)

    private mutating func forEachCell(
        of size: Int,
        in bytes: ByteBuffer,
        _ body: (inout ToxicStage, ByteBuffer, CellPart) -> Void
    ) {
        var rest = bytes
        var place = position
        for cell in StreamLattice.cells(of: size, from: position, count: bytes.readableBytes) {
            guard let piece = rest.readSlice(length: cell.count) else { return }
            body(&self, piece, (cell.cell, cell.start, place))
            place &+= UInt64(cell.count)
        }
    }
}
