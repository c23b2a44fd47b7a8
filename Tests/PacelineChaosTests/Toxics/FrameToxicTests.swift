import NIOCore
import PacelineCluster
import PacelineSpeculation
import PacelineWire
import Testing

@testable import PacelineChaos

@Suite("A toxic on frames")
struct FrameToxicTests {
    private static let phase = LinkPhase.established(
        limits: LinkLimits.maximum,
        vocabularySize: 1000,
        version: 2
    )

    /// Pings and trees in turn.
    private static let frames = (1...40 as ClosedRange<UInt64>).map { number in
        Frame(
            type: number % 2 == 0 ? .tree : .ping,
            sequence: number,
            payload: ByteBuffer(bytes: ChainJournal.bytes(Int(number) * 13))
        )
    }

    private static let sent = bytes(of: frames)

    private static func bytes(of frames: [Frame]) -> [UInt8] {
        frames.flatMap { Array($0.encoded.readableBytesView) }
    }

    /// The frames that a receiver takes, and why it stops.
    private static func received(_ bytes: [UInt8], phase: LinkPhase = phase) -> (frames: [Frame], error: FrameError?) {
        var decoder = FrameDecoder(phase: phase)
        var buffer = ByteBuffer(bytes: bytes)
        var frames: [Frame] = []
        do throws(FrameError) {
            while let frame = try decoder.decode(buffer: &buffer) { frames.append(frame) }
            try decoder.checkNothingIsLeft(of: buffer)
        } catch {
            return (frames, error)
        }
        return (frames, nil)
    }

    private static func run(
        _ type: ToxicType,
        match: MessageType? = nil,
        afterFrames: UInt64 = 0,
        _ values: [String: Double] = [:]
    )
        -> ChainJournal
    {
        let toxic = ToxicDefinition(type, afterFrames: afterFrames, match: match, values: values)
        let whole = ChainJournal.run([toxic], .init(bytes: sent))
        for reads in [[1], [27, 1, 100], [5000]] {
            let parts = ChainJournal.run([toxic], .init(bytes: sent, reads: reads))
            #expect(parts.received == whole.received)
            #expect(parts.faults == whole.faults)
        }
        return whole
    }

    /// Frames without their numbers.
    private static func contents(_ frames: [Frame]) -> [Frame] {
        frames.map { Frame(type: $0.type, sequence: 0, payload: $0.payload) }
    }

    @Test("dup_frame repeats frames, in the numbering only if it renumbers")
    func duplicate() {
        let valid = Self.received(Self.run(.dupFrame, ["rate": 0.3, "renumber": 1]).received)
        #expect(valid.error == nil)
        #expect((42...65).contains(valid.frames.count))
        #expect(
            Self.contents(valid.frames).reduce(into: []) { if $0.last != $1 { $0.append($1) } }
                == Self.contents(Self.frames)
        )
        let raw = Self.received(Self.run(.dupFrame).received)
        #expect(raw.error == .sequence(expected: 2, found: 1))
    }

    @Test("drop_frame loses the frames that match")
    func drop() {
        let valid = Self.received(Self.run(.dropFrame, match: .tree, ["renumber": 1]).received)
        #expect(valid.error == nil)
        #expect(Self.contents(valid.frames) == Self.contents(Self.frames.filter { $0.type == .ping }))
        let raw = Self.received(Self.run(.dropFrame, afterFrames: 5, ["rate": 1]).received)
        #expect(raw.frames == Array(Self.frames.prefix(5)) && raw.error == nil)
    }

    @Test("reorder_frame lets a frame pass the one before")
    func reorder() {
        let valid = Self.received(Self.run(.reorderFrame, ["renumber": 1]).received)
        #expect(valid.error == nil)
        let pairs = stride(from: 0, to: 40, by: 2).flatMap { [Self.frames[$0 + 1], Self.frames[$0]] }
        #expect(Self.contents(valid.frames) == Self.contents(pairs))
        #expect(Self.received(Self.run(.reorderFrame).received).error == .sequence(expected: 1, found: 2))
    }

    @Test("oversize_length announces its length under a right checksum")
    func oversize() {
        let result = Self.received(Self.run(.oversizeLength, afterFrames: 3, [:]).received)
        #expect(result.frames == Array(Self.frames.prefix(3)))
        guard case .payloadTooLong(.tree, .max, _)? = result.error else {
            Issue.record("\(String(describing: result.error))")
            return
        }
    }

    @Test("stale_replay sends an earlier frame as if it were new")
    func stale() {
        let result = Self.received(Self.run(.staleReplay, match: .tree, ["frames": 6]).received)
        #expect(result.error == nil)
        var expected: [Frame] = []
        for (index, frame) in Self.frames.enumerated() {
            expected.append(frame)
            if frame.type == .tree, index >= 6 { expected.append(Self.frames[index - 6]) }
        }
        #expect(Self.contents(result.frames) == Self.contents(expected))
    }

    @Test("flood_frame sends a frame many times, each as if it were new")
    func flood() {
        let result = Self.received(Self.run(.floodFrame, match: .tree, ["copies": 3]).received)
        #expect(result.error == nil)
        let expected = Self.frames.flatMap { Array(repeating: $0, count: $0.type == .tree ? 4 : 1) }
        #expect(Self.contents(result.frames) == Self.contents(expected))
    }

    @Test("flood_frame makes copies only as there is room for them, whoever is slow", arguments: [0, 1])
    func boundedFlood(renumber: Double) {
        let large = (1...3 as ClosedRange<UInt64>).map { number in
            Frame(type: .tree, sequence: number, payload: ByteBuffer(repeating: UInt8(number), count: 50_000))
        }
        let toxic = ToxicDefinition(.floodFrame, values: ["copies": 1000, "renumber": renumber])
        var chain = ToxicChain(ChainJournal.identity, toxics: [toxic], capacity: 200_000, now: ChainJournal.start)
        var bytes = ByteBuffer(bytes: Self.bytes(of: large))
        chain.arrive(&bytes, now: ChainJournal.start)
        var numbers: [UInt64] = []
        var isOver = false
        while !isOver {
            // The receiver takes everything, but slowly.
            var departed = 0
            while case .bytes(let frame)? = chain.depart(now: ChainJournal.start) {
                numbers.append(FrameHeader(lookingAt: frame)?.sequence ?? 0)
                departed += frame.readableBytes
            }
            #expect(chain.held <= 200_000 + 50_028 + 3 * 50_028)
            isOver = departed == 0
            chain.release(departed)
        }
        #expect(bytes.readableBytes == 0 && numbers.count == 3003)
        let sent = (1...3 as ClosedRange<UInt64>).flatMap { Array(repeating: $0, count: 1001) }
        #expect(numbers == (renumber == 1 ? Array(1...3003) : sent))
    }

    @Test("flood_frame that is taken away leaves no copies behind, and loses nothing")
    func endedFlood() {
        let toxic = ToxicDefinition(.floodFrame, values: ["copies": 1000])
        var chain = ToxicChain(ChainJournal.identity, toxics: [toxic], capacity: 10_000, now: ChainJournal.start)
        var bytes = ByteBuffer(bytes: Self.bytes(of: Array(Self.frames.prefix(8))))
        chain.arrive(&bytes, now: ChainJournal.start)
        chain.remove(toxic.name, now: ChainJournal.start)
        var journal = ChainJournal()
        journal.take(&chain, now: ChainJournal.start)
        let result = Self.received(journal.received)
        #expect(bytes.readableBytes == 0 && result.error == nil)
        // As many of the first frame as there is room for, and then the others.
        #expect(result.frames.count < 10_000 / 41 + 10 && result.frames.map(\.payload.readableBytes).max() == 8 * 13)
    }

    /// A tree of four nodes in two branches, as a worker sends it.
    private static func tree() throws -> Message.Tree {
        Message.Tree(
            request: 3,
            epoch: 5,
            baseLength: 20,
            baseHash: BaseHash(rawValue: 77),
            firstNode: 0,
            nodes: [
                TokenTree.Node(parent: nil, token: 5, logProbability: -1),
                TokenTree.Node(parent: nil, token: 6, logProbability: -2),
                TokenTree.Node(parent: 0, token: 7, logProbability: -3),
                TokenTree.Node(parent: 2, token: 8, logProbability: -4),
            ],
            isFinal: true
        )
    }

    /// What a receiver makes of a tree behind a toxic.
    private static func lied(_ toxic: ToxicDefinition) throws -> Result<Message, WireError> {
        var (writer, bytes) = (MessageWriter(phase: phase), ByteBuffer())
        try writer.write(.tree(tree()), into: &bytes)
        let journal = ChainJournal.run([toxic], .init(bytes: Array(bytes.readableBytesView)))
        #expect(journal.faults.filter(\.isFault).count == 1)
        var reader = MessageReader(phase: phase)
        reader.append(ByteBuffer(bytes: journal.received))
        return Result { () throws(WireError) in
            guard let received = try reader.next() else { throw .frame(.truncated(missing: 1)) }
            try reader.finish()
            return received.message
        }
    }

    @Test("lie_q claims certainty, and changes nothing else of a valid tree")
    func lie() throws {
        var expected = try Self.tree()
        for index in expected.nodes.indices { expected.nodes[index].logProbability = 0 }
        #expect(try Self.lied(ToxicDefinition(.lieQ)).get() == .tree(expected))
    }

    @Test("deep_tree makes one path, which is refused if it is deeper than any may be")
    func deep() throws {
        guard case .tree(let tree) = try Self.lied(ToxicDefinition(.deepTree, values: ["nodes": 32])).get() else {
            Issue.record("it is no tree")
            return
        }
        #expect(tree.nodes.map(\.parent) == [nil] + (0..<31).map { $0 })
        #expect(throws: WireError.self) { try Self.lied(ToxicDefinition(.deepTree)).get() }
    }

    @Test("holds back what may begin a frame for half a second, if nothing follows", arguments: [1, 3, 27])
    func unsure(count: Int) {
        let start = Self.bytes(of: [Self.frames[0]]).prefix(count)
        let sender = ChainJournal.Sender(bytes: [1, 2, 3] + start, ending: nil)
        let journal = ChainJournal.run([ToxicDefinition(.dropFrame)], sender)
        #expect(journal.received == [1, 2, 3] + start)
        #expect(journal.exits.map(\.upTo) == [3, 3 + count])
        #expect(journal.exits.last?.at == ChainJournal.start + .milliseconds(500))
        // What follows in time is a frame.
        let whole = Self.bytes(of: [Self.frames[0]])
        let slow = ChainJournal.Sender(bytes: whole, reads: [count, 1000], spacing: .milliseconds(499))
        #expect(ChainJournal.run([ToxicDefinition(.dropFrame)], slow).received.isEmpty)
    }

    @Test("strikes as often as count says, then never again", arguments: [1, 3] as [UInt64])
    func count(limit: UInt64) {
        let toxic = ToxicDefinition(.dropFrame, maximumFaults: limit, values: ["renumber": 1])
        for reads in [[65_536], [27, 1, 100]] {
            let journal = ChainJournal.run([toxic], .init(bytes: Self.sent, reads: reads))
            let result = Self.received(journal.received)
            #expect(Self.contents(result.frames) == Self.contents(Array(Self.frames.dropFirst(Int(limit)))))
            #expect(journal.faults.count(where: \.isFault) == Int(limit) && result.error == nil)
        }
    }

    @Test("byzantine changes trees alone, and bad_hello the handshake alone, with right checksums")
    func damage() {
        let journal = Self.run(.byzantine, ["bits": 1])
        let result = Self.received(journal.received)
        #expect(result.error == nil)
        for (frame, changed) in zip(Self.frames, result.frames) {
            let bits = zip(frame.payload.readableBytesView, changed.payload.readableBytesView)
                .map { ($0 ^ $1).nonzeroBitCount }.reduce(0, +)
            #expect(bits == (frame.type == .tree ? 1 : 0))
        }
        #expect(journal.faults.filter(\.isFault).count == 20)
        #expect(Self.run(.badHello).received == Self.sent)
        let hello = Self.bytes(of: [Frame(type: .hello, sequence: 1, payload: ByteBuffer(bytes: [1, 2, 3]))])
        let changed = ChainJournal.run([ToxicDefinition(.badHello)], .init(bytes: hello)).received
        let taken = Self.received(changed, phase: .handshake)
        #expect(taken.error == nil && taken.frames.count == 1 && changed != hello)
    }

    @Test(
        "passes what is no frame, and finds the frames after it",
        arguments: ToxicType.allCases.filter(\.isFrameAware)
    )
    func others(_ type: ToxicType) {
        let noise = ChainJournal.bytes(5000) + FrameHeader.magic + ChainJournal.bytes(100) + FrameHeader.magic
        let toxic = ToxicDefinition(type)
        #expect(ChainJournal.run([toxic], .init(bytes: noise)).received == noise)
        let dropped = ChainJournal.run([ToxicDefinition(.dropFrame)], .init(bytes: noise + Self.sent))
        #expect(dropped.received == noise)
    }
}
