package import NIOCore
package import PacelineCluster

/// One direction of one proxied connection: its toxics in a row, as a value without I/O or clock.
///
/// The buffer is bounded: bytes without room stay with the caller, who stops reading, which slows the sender like a
/// full network. Toxics come and go while bytes are on their way.
package struct ToxicChain: LaneMachine, Sendable {
    /// Whose chain it is; with the seed this decides all random numbers.
    package struct Identity: Hashable, Sendable {
        package var seed: UInt64
        package var proxy: String
        /// Counts the proxy's connections from 0.
        package var connection: UInt64
        package var stream: StreamDirection

        package init(seed: UInt64, proxy: String, connection: UInt64, stream: StreamDirection) {
            self.seed = seed
            self.proxy = proxy
            self.connection = connection
            self.stream = stream
        }

        func draws(_ toxic: String) -> FaultDraws {
            FaultDraws(seed: seed, proxy: proxy, connection: connection, stream: stream, toxic: toxic)
        }
    }

    package let identity: Identity
    /// Bytes that may be held at once. A toxic that repeats bytes may hold up to twice as many.
    package let capacity: Int
    /// Bytes that were taken, and bytes that departed.
    package private(set) var arrived: UInt64 = 0
    package private(set) var departed: UInt64 = 0
    private var stages: [ToxicStage] = []
    private var output = CircularBuffer<LaneDeparture>()
    /// Bytes in `output`, and bytes that departed and are not released.
    private var outputBytes = 0
    private var unreleased = 0
    private var faults: [FaultRecord] = []
    /// A fatal end is in `output` or has departed.
    private var isOver = false
    private var isStalled = false

    /// - Parameter toxics: of this direction, in the order in which bytes pass them.
    package init(_ identity: Identity, toxics: [ToxicDefinition], capacity: Int, now: Instant) {
        self.identity = identity
        self.capacity = max(1, capacity)
        for toxic in toxics { add(toxic, now: now) }
    }

    // MARK: Bytes

    /// Bytes of the chain in memory.
    package var held: Int { stages.reduce(outputBytes + unreleased) { $0 + $1.heldBytes } }

    /// Bytes that there is room for, and that the toxics let be read.
    package var room: Int {
        let allowed = stages.compactMap { $0.allowance(arrived: arrived) }.min() ?? .max
        return max(0, min(capacity - held, allowed))
    }

    /// Whether pieces must not be joined on their way out.
    package var keepsPieces: Bool { stages.contains { $0.toxic.type == .slicer } }

    /// When something happens next without new bytes; nil if never.
    package var nextDeparture: Instant? {
        guard output.isEmpty else { return .zero }
        let isFull = held >= capacity
        return stages.compactMap { $0.nextDue(isFull: isFull) }.min()
    }

    /// Takes bytes that arrived, as many as there is room for; the rest stays in `bytes`.
    package mutating func arrive(_ bytes: inout ByteBuffer, now: Instant) {
        let count = min(bytes.readableBytes, room)
        if count > 0, let taken = bytes.readSlice(length: count) {
            arrived &+= UInt64(count)
            hand(.bytes(taken), to: 0, at: now)
            advance(to: now)
        }
        noteStall()
    }

    /// The direction ends behind its last byte; nothing may arrive any more.
    package mutating func end(_ ending: LinkEnding, now: Instant) {
        hand(.ending(ending), to: 0, at: now)
        advance(to: now)
    }

    /// The next bytes, or the end, if they are due. The bytes count as held until they are released.
    package mutating func depart(now: Instant) -> LaneDeparture? {
        advance(to: now)
        guard let departure = output.popFirst() else { return nil }
        if case .bytes(let bytes) = departure {
            outputBytes -= bytes.readableBytes
            unreleased += bytes.readableBytes
            departed &+= UInt64(bytes.readableBytes)
        }
        return departure
    }

    /// The receiver has taken bytes that departed.
    package mutating func release(_ bytes: Int) {
        unreleased = max(0, unreleased - bytes)
    }

    /// Whether departed bytes wait for the receiver.
    package var isReleased: Bool { unreleased == 0 }

    // MARK: Toxics

    /// Puts a toxic behind the others.
    package mutating func add(_ toxic: ToxicDefinition, now: Instant) {
        let position = departed &+ UInt64(outputBytes)
        stages.append(ToxicStage(toxic, draws: identity.draws(toxic.name), position: position, now: now))
        advance(to: now)
    }

    /// Changes the settings of the toxic with this name, if there is one.
    package mutating func update(_ toxic: ToxicDefinition, now: Instant) {
        guard let index = stages.firstIndex(where: { $0.toxic.name == toxic.name }) else { return }
        stages[index].update(toxic, now: now)
        advance(to: now)
    }

    /// Takes a toxic away. What it held goes on at once.
    package mutating func remove(_ name: String, now: Instant) {
        guard let index = stages.firstIndex(where: { $0.toxic.name == name }) else { return }
        stages[index].remove(now: now)
        advance(to: now)
        faults += stages[index].faults
        stages.remove(at: index)
        isStalled = false
    }

    /// What the toxics remember for the next connection, by their names.
    var histories: [String: [FrameMemory.Passing]] {
        let pairs = stages.compactMap { stage in
            stage.toxic.type == .staleReplay && stage.toxic.count("reconnects") == 1
                ? (stage.toxic.name, stage.memory.frames.history) : nil
        }
        return Dictionary(pairs, uniquingKeysWith: { first, _ in first })
    }

    /// Gives the toxics what they remembered on the connection before.
    mutating func inherit(_ histories: [String: [FrameMemory.Passing]]) {
        for index in stages.indices { stages[index].inherit(histories[stages[index].toxic.name] ?? []) }
    }

    /// The connection is over: tells what the toxics have kept count of.
    package mutating func conclude() {
        for index in stages.indices {
            stages[index].conclude()
            faults += stages[index].faults
            stages[index].faults.removeAll(keepingCapacity: true)
        }
    }

    /// What the toxics did since this was asked last.
    package mutating func takeFaults() -> [FaultRecord] {
        defer { faults.removeAll(keepingCapacity: true) }
        return faults
    }

    // MARK: Inside

    private mutating func advance(to now: Instant) {
        for index in stages.indices {
            while let item = stages[index].leave(now: now, isFull: held >= capacity) {
                hand(item.content, to: index + 1, at: item.due)
            }
            guard !stages[index].faults.isEmpty else { continue }
            faults += stages[index].faults
            stages[index].faults.removeAll(keepingCapacity: true)
        }
    }

    private mutating func hand(_ content: ToxicStage.Content, to index: Int, at now: Instant) {
        guard index == stages.count else { return stages[index].enter(content, at: now) }
        guard !isOver else { return }
        switch content {
        case .bytes(let bytes):
            outputBytes += bytes.readableBytes
            output.append(.bytes(bytes))
        case .ending(let ending):
            isOver = ending.isFatal
            output.append(.ended(ending))
        }
    }

    /// Tells once that reading has stopped.
    private mutating func noteStall() {
        guard !isStalled, let stage = stages.first(where: { $0.allowance(arrived: arrived) == 0 }) else { return }
        isStalled = true
        let (toxic, type) = (stage.toxic.name, stage.toxic.type)
        faults.append(FaultRecord(toxic: toxic, type: type, offset: arrived, event: .stalled))
    }
}
