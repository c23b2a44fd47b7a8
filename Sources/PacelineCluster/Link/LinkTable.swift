import PacelineWire

/// The links of one process, each with what their owner keeps of it, and the watchdog that speaks for all of them.
struct LinkTable<Record: Sendable>: Sendable {
    private struct Entry: Sendable {
        var machine: LinkMachine
        var record: Record
        /// When the machine needs a timer, as it said after its last event. It changes with nothing else.
        var deadline: Instant?
    }

    private let configuration: LinkConfiguration
    private var entries = SortedTable<LinkID, Entry>()
    /// The earliest of the entries' deadlines.
    private var nextDeadline: Instant?
    /// Judges this process's compute thread.
    var watchdog: ComputeWatchdog
    /// What the links were last told of the compute thread.
    private(set) var isComputeAlive = true

    init(configuration: LinkConfiguration) {
        self.configuration = configuration
        watchdog = ComputeWatchdog(stallLimit: configuration.stallLimit)
    }

    var count: Int { entries.count }
    var keys: [LinkID] { entries.keys }
    var values: some Collection<Record> { entries.values.lazy.map(\.record) }

    subscript(id: LinkID) -> Record? { entries.read(id) { $0.record } }

    /// How many links `condition` holds for. What is kept of each is read in its place.
    func count(where condition: (borrowing Record) -> Bool) -> Int {
        entries.count { condition($0.record) }
    }

    /// Whether `condition` holds for what is kept of a link, which is read in its place; false if there is none.
    func contains(_ id: LinkID, where condition: (borrowing Record) -> Bool) -> Bool {
        entries.read(id) { condition($0.record) } ?? false
    }

    /// Changes what is kept of a link in place; nil if there is no such link.
    @discardableResult
    mutating func update<Output>(_ id: LinkID, _ body: (inout Record) -> Output) -> Output? {
        entries.update(id) { body(&$0.record) }
    }

    /// The other side of a link whose handshake is over.
    func peer(of id: LinkID) -> LinkPeer? { entries.read(id) { $0.machine.peer } }

    /// How long bytes take to the other side of a link and back; nil before the first heartbeat.
    func roundTrip(of id: LinkID) -> Duration? { entries[id]?.machine.roundTrip }

    /// Whether a request was opened on a link and its base is still on its way to the transport.
    func isOpening(_ request: UInt64, on id: LinkID) -> Bool {
        entries.read(id) { $0.machine.isOpening(request) } ?? false
    }

    /// Whether features that are sent on a link now do not wait long; false if there is no link.
    func hasRoomForFeatures(on id: LinkID) -> Bool {
        entries.read(id) { $0.machine.hasRoomForFeatures } ?? false
    }

    /// When the owner's links or the watchdog need a timer.
    var deadline: Instant? {
        guard isComputeAlive, let stall = watchdog.deadline else { return nextDeadline }
        return nextDeadline.map { min($0, stall) } ?? stall
    }

    /// Adds a link whose transport is not up yet.
    mutating func add(_ id: LinkID, _ side: LinkSide, _ record: Record, now: Instant) {
        var machine = LinkMachine(side: side, configuration: configuration)
        if !isComputeAlive { _ = machine.handle(.work(isAlive: false), now: now) }
        entries[id] = Entry(machine: machine, record: record, deadline: machine.deadline)
        followDeadline(from: nil, to: machine.deadline)
    }

    /// Forgets a link.
    ///
    /// - Returns: what was kept of it.
    mutating func remove(_ id: LinkID) -> Record? {
        guard let entry = entries[id] else { return nil }
        entries[id] = nil
        followDeadline(from: entry.deadline, to: nil)
        return entry.record
    }

    fileprivate mutating func drive(
        _ id: LinkID,
        _ body: (inout LinkMachine) -> [LinkMachine.Effect]
    ) -> [LinkMachine.Effect] {
        let step = entries.update(id) { entry in
            let (effects, before) = (body(&entry.machine), entry.deadline)
            entry.deadline = entry.machine.deadline
            return (effects: effects, before: before, after: entry.deadline)
        }
        guard let step else { return [] }
        followDeadline(from: step.before, to: step.after)
        return step.effects
    }

    /// A link's deadline has changed. Looking at all links is necessary only if its old one was the earliest.
    private mutating func followDeadline(from old: Instant?, to new: Instant?) {
        if let new, nextDeadline.map({ new <= $0 }) ?? true {
            nextDeadline = new
        } else if let old, old == nextDeadline {
            nextDeadline = entries.least { $0.deadline }
        }
    }

    fileprivate func isDue(_ id: LinkID, now: Instant) -> Bool {
        entries.read(id) { $0.deadline.map { $0 <= now } } ?? false
    }

    /// The links that need a timer.
    fileprivate func due(now: Instant) -> [LinkID] {
        guard let nextDeadline, nextDeadline <= now else { return [] }
        return entries.keys { $0.deadline.map { $0 <= now } ?? false }
    }

    /// - Returns: whether the compute thread came to life or stalled since the links were last told; nil if neither.
    fileprivate mutating func computeChange(now: Instant) -> Bool? {
        let isAlive = watchdog.isAlive(now: now)
        guard isAlive != isComputeAlive else { return nil }
        isComputeAlive = isAlive
        return isAlive
    }
}

/// A machine that owns the links of a process: a verifier's or a worker's.
protocol LinkOwner {
    associatedtype LinkRecord: Sendable

    var links: LinkTable<LinkRecord> { get set }

    /// Has the shell act on a link's transport.
    mutating func act(_ action: LinkAction, on id: LinkID)
    /// A link's handshake is over.
    mutating func join(_ id: LinkID, _ peer: LinkPeer, now: Instant)
    /// A message came that is neither of the handshake nor a heartbeat.
    mutating func receive(_ message: Message, from id: LinkID, now: Instant)
    /// A link ended and is no longer in the table; `record` was kept of it.
    mutating func leave(_ id: LinkID, _ record: LinkRecord, _ fault: LinkFault, now: Instant)
}

extension LinkOwner {
    /// Tells a link what happened to its transport.
    mutating func handle(_ event: LinkEvent, on id: LinkID, now: Instant) {
        perform(links.drive(id) { $0.handle(event, now: now) }, of: id, now: now)
    }

    /// Has a link do something.
    mutating func command(_ id: LinkID, _ command: LinkMachine.Command, now: Instant) {
        perform(links.drive(id) { $0.handle(command, now: now) }, of: id, now: now)
    }

    mutating func send(_ message: Message, to id: LinkID, now: Instant) {
        command(id, .send(message), now: now)
    }

    /// Gives a link up.
    mutating func abort(_ id: LinkID, _ fault: LinkFault, now: Instant) {
        command(id, .abort(fault), now: now)
    }

    /// ``LinkTable/deadline`` has come, or another.
    mutating func tickLinks(now: Instant) {
        // A timer of one link may end another.
        for id in links.due(now: now) where links.isDue(id, now: now) {
            command(id, .timer, now: now)
        }
        checkWatchdog(now: now)
    }

    /// The compute thread's stamp moved.
    mutating func computeProgressed(now: Instant) {
        links.watchdog.progressed(now: now)
        checkWatchdog(now: now)
    }

    /// Tells the links when the compute thread came to life or stalled.
    mutating func checkWatchdog(now: Instant) {
        guard let isAlive = links.computeChange(now: now) else { return }
        for id in links.keys {
            command(id, .work(isAlive: isAlive), now: now)
        }
    }

    /// Carries out a link's effects. Its writes go out before anything that it delivers is answered. Frames are
    /// numbered when they are written, and an answer takes the next number.
    private mutating func perform(_ effects: [LinkMachine.Effect], of id: LinkID, now: Instant) {
        for effect in effects {
            switch effect {
            case .write(let bytes): act(.write(bytes), on: id)
            case .pauseReading: act(.pauseReading, on: id)
            case .resumeReading: act(.resumeReading, on: id)
            case .established, .deliver, .close: continue
            }
        }
        for effect in effects {
            switch effect {
            case .write, .pauseReading, .resumeReading: continue
            case .established(let peer): join(id, peer, now: now)
            case .deliver(let message): receive(message, from: id, now: now)
            case .close(let fault):
                guard let record = links.remove(id) else { break }
                act(.close, on: id)
                leave(id, record, fault, now: now)
            }
        }
    }
}
