import NIOCore
import PacelineCluster
import PacelineSpeculation
import PacelineWire

extension ToxicStage {
    /// Passes on whole frames, changed or not, and everything between them.
    mutating func takeFrames(from bytes: ByteBuffer, at now: Instant) {
        memory.frames.splitter.append(bytes)
        while let part = memory.frames.splitter.next() {
            switch part {
            case .other(let bytes):
                push(.bytes(bytes), due: now)
                memory.frames.offset &+= UInt64(bytes.readableBytes)
            case .frame(let header, let bytes):
                take((header, bytes), at: now)
                memory.frames.offset &+= UInt64(bytes.readableBytes)
            }
        }
        memory.frames.restDue = memory.frames.splitter.isUnsure ? now + FrameMemory.patience : nil
    }

    /// Lets bytes pass that looked like the beginning of a header, and were not followed by the rest of one.
    mutating func releaseRest(at now: Instant) {
        memory.frames.restDue = nil
        let rest = memory.frames.splitter.takeRest()
        memory.frames.offset &+= UInt64(rest.readableBytes)
        if rest.readableBytes > 0 { push(.bytes(rest), due: now) }
    }

    /// Gives back what waits for more.
    mutating func flushFrames(at now: Instant) {
        if let frame = memory.frames.waiting { emit(frame, at: now) }
        memory.frames.waiting = nil
        releaseRest(at: now)
    }

    private mutating func take(_ frame: FrameMemory.Passing, at now: Instant) {
        let number = memory.frames.number
        memory.frames.number &+= 1
        let old = remember(frame)
        let isHit =
            number >= toxic.afterFrames && matches(frame.header.type)
            && draws.unit(.frame, at: number) < toxic["rate"] && mayStrike
        if let first = memory.frames.waiting {
            memory.frames.waiting = nil
            return swap(first, frame, at: now)
        }
        guard isHit else { return emit(frame, at: now) }
        // Nothing is old enough yet.
        if toxic.type == .staleReplay, old == nil { return emit(frame, at: now) }
        record(.frame(frame.header.type, sequence: frame.header.sequence), at: memory.frames.offset)
        strike(frame, old: old, number: number, at: now)
    }

    private mutating func strike(
        _ frame: FrameMemory.Passing,
        old: FrameMemory.Passing?,
        number: UInt64,
        at now: Instant
    ) {
        switch toxic.type {
        case .dupFrame:
            emit(frame, at: now)
            shift(by: 1)
            emit(frame, at: now)
        case .dropFrame: shift(by: -1)
        case .reorderFrame: memory.frames.waiting = frame
        case .oversizeLength:
            var header = frame.header
            header.payloadLength = toxic.count("length")
            emit((header, frame.bytes), at: now, rewritten: true)
        case .staleReplay:
            emit(frame, at: now)
            guard var old else { return }
            shift(by: 1)
            // As if the sender had sent it now.
            if isRenumbering { old.header.sequence = frame.header.sequence }
            emit(old, at: now)
        case .lieQ, .deepTree: emit(lying(frame), at: now)
        case .floodFrame: emit(frame, at: now, copies: toxic.count("copies"))
        default: emit(damaged(frame, number: number), at: now)
        }
    }

    private func matches(_ type: MessageType) -> Bool {
        if let match = toxic.match { return type == match }
        return switch toxic.type {
        case .badHello: [.hello, .challenge, .authenticate, .welcome].contains(type)
        case .byzantine: [.tree, .verdict].contains(type)
        case .lieQ, .deepTree: type == .tree
        default: true
        }
    }

    /// Keeps a frame for later.
    ///
    /// - Returns: the one that came as many frames ago as the toxic says.
    private mutating func remember(_ frame: FrameMemory.Passing) -> FrameMemory.Passing? {
        guard toxic.type == .staleReplay else { return nil }
        memory.frames.history.append(frame)
        guard memory.frames.history.count > toxic.count("frames") else { return nil }
        return memory.frames.history.removeFirst()
    }

    /// The second frame passes the first.
    private mutating func swap(_ first: FrameMemory.Passing, _ second: FrameMemory.Passing, at now: Instant) {
        var (first, second) = (first, second)
        if isRenumbering {
            (first.header.sequence, second.header.sequence) = (second.header.sequence, first.header.sequence)
        }
        emit(second, at: now, rewritten: isRenumbering)
        emit(first, at: now, rewritten: isRenumbering)
    }

    private var isRenumbering: Bool { toxic.count("renumber") == 1 }

    private mutating func shift(by count: Int64) {
        if isRenumbering { memory.frames.shift &+= UInt64(bitPattern: count) }
    }

    /// - Parameters:
    ///   - rewritten: whether the header differs from the one in the bytes.
    ///   - copies: how often the frame leaves again. They are made one by one as there is room, since all at once could
    ///     be a thousand times what came in.
    private mutating func emit(
        _ frame: FrameMemory.Passing,
        at now: Instant,
        rewritten: Bool = false,
        copies: Int = 0
    ) {
        var (header, bytes) = frame
        if toxic.type == .floodFrame {
            // How many copies have left before decides the number.
            let sequence = isRenumbering ? header.sequence : nil
            return push(.bytes(bytes), due: now, sequence: sequence, copies: copies)
        }
        if rewritten || isRenumbering {
            header.sequence &+= memory.frames.shift
            header.write(into: &bytes, at: bytes.readerIndex)
        }
        push(.bytes(bytes), due: now)
    }

    /// Numbers a frame on its way out.
    func renumber(_ item: inout Item) {
        guard let sequence = item.sequence, case .bytes(var bytes) = item.content,
            var header = FrameHeader(lookingAt: bytes)
        else { return }
        header.sequence = sequence &+ memory.frames.shift
        header.write(into: &bytes, at: bytes.readerIndex)
        item.content = .bytes(bytes)
    }

    /// The frame that has just left leaves once more.
    mutating func copy(of repeated: Item) -> Item {
        var copy = repeated
        copy.copies -= 1
        shift(by: 1)
        renumber(&copy)
        memory.frames.repeated = copy.copies > 0 ? copy : nil
        return copy
    }

    /// A tree with the claims of a worker that lies; anything else as it is.
    private func lying(_ frame: FrameMemory.Passing) -> FrameMemory.Passing {
        let limits = LinkLimits(
            framePayload: WireLimits.framePayload,
            treePayload: WireLimits.treePayload,
            treeNodes: WireLimits.treeNodes,
            // Deeper than any receiver allows.
            treeDepth: WireLimits.treeNodes,
            requests: WireLimits.requests
        )
        let phase = LinkPhase.established(
            limits: limits,
            vocabularySize: WireLimits.vocabularySize,
            version: WireLimits.protocolVersions.upperBound
        )
        var payload = frame.bytes
        payload.moveReaderIndex(forwardBy: FrameHeader.byteCount)
        let sent = Frame(type: frame.header.type, sequence: frame.header.sequence, payload: payload)
        let message = try? MessageDecoder(phase: phase).decode(sent)
        guard case .tree(var tree)? = message, let first = tree.nodes.first else { return frame }
        if toxic.type == .lieQ {
            for index in tree.nodes.indices { tree.nodes[index].logProbability = 0 }
        } else {
            let tokens = tree.nodes.map(\.token)
            let count = min(toxic.count("nodes"), WireLimits.treeNodes - tree.firstNode)
            tree.nodes = (0..<max(1, count)).map { index in
                var node = first
                node.token = tokens[index % tokens.count]
                if index > 0 { node.parent = tree.firstNode + index - 1 }
                return node
            }
        }
        var (writer, bytes) = (MessageWriter(phase: phase), ByteBuffer())
        guard (try? writer.write(.tree(tree), into: &bytes)) != nil, var header = FrameHeader(lookingAt: bytes) else {
            return frame
        }
        header.sequence = frame.header.sequence
        header.write(into: &bytes, at: bytes.readerIndex)
        return (header, bytes)
    }

    /// The frame with other bits in its payload, and checksums to match.
    private func damaged(_ frame: FrameMemory.Passing, number: UInt64) -> FrameMemory.Passing {
        var random = draws.generator(.bits, at: number)
        var bytes = frame.bytes
        bytes.moveReaderIndex(forwardBy: FrameHeader.byteCount)
        var payload = bytes.slice()
        guard payload.readableBytes > 0 else { return frame }
        for _ in 0..<toxic.count("bits") {
            let place = payload.readerIndex + random.next(below: payload.readableBytes)
            guard let byte = payload.getInteger(at: place, as: UInt8.self) else { continue }
            payload.setInteger(byte ^ (1 << UInt8(random.next(below: 8))), at: place)
        }
        let whole = Frame(type: frame.header.type, sequence: frame.header.sequence, payload: payload).encoded
        return (FrameHeader(lookingAt: whole) ?? frame.header, whole)
    }
}
