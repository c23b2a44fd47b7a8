import NIOCore
import PacelineCluster

/// A toxic at work on one direction of one connection: takes bytes and the end, and gives them back changed, later, or
/// not at all. A value without I/O or clock.
struct ToxicStage: Sendable {
    enum Content: Hashable, Sendable {
        case bytes(ByteBuffer)
        case ending(LinkEnding)
    }

    struct Item: Hashable, Sendable {
        var content: Content
        var due: Instant
        /// For a frame that gets its number on its way out: the number that its sender gave it.
        var sequence: UInt64?
        /// How often it leaves again, each time with a number of its own.
        var copies = 0
    }

    /// Whether the toxic acts here.
    enum Activity: Hashable, Sendable {
        /// The draw was above the toxicity.
        case spared
        /// Until enough bytes have passed.
        case pending
        case acting(since: Instant)
        /// Its time is over.
        case over
    }

    /// What some types remember of the bytes before.
    struct Memory: Sendable {
        /// Bytes that passed while the toxic acted.
        var passed: UInt64 = 0
        /// Where the present slice ends, and its number.
        var slice: (end: UInt64, number: UInt64)?
        /// When the next slice may leave.
        var nextSlice = Instant.zero
        /// What has come of a segment that is sent twice.
        var segment = ByteBuffer()
        var dropped = 0
        /// An end that a reset will replace.
        var hiddenEnding: LinkEnding?
        var frames = FrameMemory()
    }

    /// The due time of what is held until something changes.
    static let never = Instant(nanoseconds: .max)

    private(set) var toxic: ToxicDefinition
    let draws: FaultDraws
    /// Decides whether the toxic acts on this connection. Drawn once, so that an update cannot re-roll it.
    private let draw: Double
    private(set) var activity = Activity.pending
    /// Bytes that have come in.
    private(set) var position: UInt64
    /// Bytes that wait here.
    private(set) var heldBytes = 0
    /// What happened and was not collected yet.
    var faults: [FaultRecord] = []
    var memory = Memory()
    private var waiting = CircularBuffer<Item>()
    /// When the latest item leaves; none may overtake it.
    private(set) var lastExit = Instant.zero
    /// When the toxic ends the connection of itself.
    private var timer: Instant?
    /// The connection's end has come; nothing may follow it.
    private var isClosed = false
    /// How often it has struck.
    private var struck: UInt64 = 0

    /// - Parameter position: bytes of the direction that came before.
    init(_ toxic: ToxicDefinition, draws: FaultDraws, position: UInt64, now: Instant) {
        self.toxic = toxic
        self.draws = draws
        self.position = position
        draw = draws.unit(.toxicity)
        if isHit { beginIfReached(now) } else { spare() }
    }

    // MARK: The way through

    mutating func enter(_ content: Content, at now: Instant) {
        guard !isClosed else { return }
        advance(to: now)
        switch content {
        case .ending(let ending):
            enter(ending, at: now)
            isClosed = isClosed || ending.isFatal
        case .bytes(var bytes):
            passUntilBegin(&bytes, at: now)
            guard bytes.readableBytes > 0, !isClosed else { return }
            if case .acting = activity { act(on: bytes, at: now) } else { push(.bytes(bytes), due: now) }
            position &+= UInt64(bytes.readableBytes)
            // Frames go on being numbered as before.
            if case .acting = activity, !mayStrike, !toxic.type.isFrameAware { stop(now) }
        }
    }

    /// The next item that is due.
    ///
    /// - Parameter isFull: whether there is no room for what is sent more than once.
    mutating func leave(now: Instant, isFull: Bool) -> Item? {
        advance(to: now)
        if let repeated = memory.frames.repeated { return isFull ? nil : copy(of: repeated) }
        guard var first = waiting.first, first.due <= now else { return nil }
        waiting.removeFirst()
        if case .bytes(let bytes) = first.content { heldBytes -= bytes.readableBytes }
        renumber(&first)
        memory.frames.repeated = first.copies > 0 ? first : nil
        return first
    }

    /// When something happens next without new bytes; nil if never.
    func nextDue(isFull: Bool) -> Instant? {
        let moments =
            if let repeated = memory.frames.repeated {
                [isFull ? nil : repeated.due, timer, expiry]
            } else {
                [waiting.first?.due, timer, expiry, memory.frames.restDue]
            }
        return moments.compactMap { $0 }.filter { $0 < Self.never }.min()
    }

    /// Queues an item behind those that wait.
    ///
    /// - Parameters:
    ///   - sequence: the number of a frame that gets another one on its way out.
    ///   - copies: how often it leaves again.
    mutating func push(_ content: Content, due: Instant, sequence: UInt64? = nil, copies: Int = 0) {
        lastExit = max(lastExit, due)
        waiting.append(Item(content: content, due: lastExit, sequence: sequence, copies: copies))
        if case .bytes(let bytes) = content { heldBytes += bytes.readableBytes }
    }

    /// Ends the connection behind what waits, and takes nothing more.
    ///
    /// - Parameter offset: where in the stream; nil for the bytes that have come in so far.
    mutating func end(_ ending: LinkEnding, at now: Instant, offset: UInt64? = nil) {
        guard !isClosed else { return }
        push(.ending(ending), due: now)
        isClosed = true
        record(.ended(ending), at: offset)
    }

    mutating func record(_ event: FaultRecord.Event, at offset: UInt64? = nil) {
        let fault = FaultRecord(toxic: toxic.name, type: toxic.type, offset: offset ?? position, event: event)
        if fault.isFault { struck &+= 1 }
        faults.append(fault)
    }

    /// Whether it has not struck as often as it may.
    var mayStrike: Bool { toxic.maximumFaults.map { struck < $0 } ?? true }

    /// Goes on with frames of the connection before.
    mutating func inherit(_ history: [FrameMemory.Passing]) {
        guard toxic.type == .staleReplay, toxic.count("reconnects") == 1 else { return }
        memory.frames.history = history.suffix(toxic.count("frames"))
    }

    // MARK: Changes

    /// The toxic has other settings. What is held under the old ones passes at once.
    mutating func update(_ changed: ToxicDefinition, now: Instant) {
        let isSame = changed == toxic
        toxic = changed
        guard !isSame, !isClosed else { return }
        switch activity {
        case .acting(let start):
            guard isHit else {
                stop(now)
                return spare()
            }
            release(now)
            timer = endTime(from: start).map { max($0, now) }
        case .spared where isHit:
            activity = .pending
            beginIfReached(now)
        case .pending:
            if isHit { beginIfReached(now) } else { spare() }
        case .spared, .over: break
        }
    }

    /// The toxic is taken away: everything that is held passes.
    mutating func remove(now: Instant) {
        if case .acting = activity { stop(now) }
        release(now)
        // Copies without end would be held by nobody.
        for index in waiting.indices { waiting[index].copies = 0 }
        memory.frames.repeated = nil
    }

    /// How many more bytes may be read, for a toxic that limits that; nil if it does not.
    ///
    /// - Parameter arrived: bytes of the direction that were read so far.
    func allowance(arrived: UInt64) -> Int? {
        guard toxic.type == .stallRead else { return nil }
        let start: UInt64
        switch activity {
        case .pending: start = toxic.afterBytes
        case .acting: start = memory.passed
        case .spared, .over: return nil
        }
        let (limit, overflow) = start.addingReportingOverflow(UInt64(toxic.count("bytes")))
        guard !overflow else { return nil }
        return limit > arrived ? Int(clamping: limit - arrived) : 0
    }

    // MARK: Time

    private var isHit: Bool { draw < toxic.toxicity }

    /// When the toxic stops of itself.
    private var expiry: Instant? {
        guard case .acting(let start) = activity, let duration = toxic.duration else { return nil }
        return start + duration
    }

    /// Does what is due by `now`.
    private mutating func advance(to now: Instant) {
        if let timer, timer <= now, timer <= expiry ?? Self.never {
            self.timer = nil
            end(toxic.type == .resetPeer ? .reset : .severed, at: timer)
        }
        if let due = memory.frames.restDue, due <= now, due <= expiry ?? Self.never { releaseRest(at: due) }
        if let expiry, expiry <= now { stop(expiry) }
    }

    private mutating func spare() {
        activity = .spared
        record(.spared(draw: draw))
    }

    private mutating func beginIfReached(_ now: Instant) {
        guard position >= toxic.afterBytes else { return }
        activity = .acting(since: now)
        record(.began(draw: draw))
        timer = endTime(from: now)
        switch toxic.type {
        case .halfOpen: end(.halfOpen, at: now)
        case _ where toxic.type.isFrameAware: memory.frames.offset = position
        case .stallRead: memory.passed = position
        default: break
        }
    }

    private mutating func passUntilBegin(_ bytes: inout ByteBuffer, at now: Instant) {
        guard case .pending = activity else { return }
        let count = Int(clamping: toxic.afterBytes > position ? toxic.afterBytes - position : 0)
        if let head = bytes.readSlice(length: min(count, bytes.readableBytes)), head.readableBytes > 0 {
            push(.bytes(head), due: now)
            position &+= UInt64(head.readableBytes)
        }
        beginIfReached(now)
    }

    private func endTime(from start: Instant) -> Instant? {
        switch toxic.type {
        case .resetPeer: start + toxic.time("timeout")
        case .timeout: toxic.count("timeout") > 0 ? start + toxic.time("timeout") : nil
        default: nil
        }
    }

    /// Tells how much was dropped.
    mutating func conclude() {
        if memory.dropped > 0 { record(.dropped(bytes: memory.dropped)) }
        memory.dropped = 0
    }

    private mutating func stop(_ now: Instant) {
        activity = .over
        timer = nil
        conclude()
        record(.stopped)
        release(now)
        if let ending = memory.hiddenEnding { push(.ending(ending), due: now) }
        memory.hiddenEnding = nil
    }

    /// Lets everything pass at once.
    private mutating func release(_ now: Instant) {
        flushFrames(at: now)
        for index in waiting.indices { waiting[index].due = min(waiting[index].due, now) }
        lastExit = min(lastExit, now)
        memory.nextSlice = .zero
    }
}
