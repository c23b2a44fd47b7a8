import NIOCore
import PacelineSpeculation
import PacelineWire
import Testing

@testable import PacelineCluster

@Suite("The links of a process")
struct LinkTableTests {
    /// A worker that answers every request with a refusal, at once.
    private struct Refuser: LinkOwner {
        var links: LinkTable<String>
        var actions: [(id: LinkID, action: LinkAction)] = []
        var peers: [LinkID] = []
        var losses: [(id: LinkID, record: String, fault: LinkFault)] = []

        init(_ configuration: LinkConfiguration = LinkConfiguration()) {
            links = LinkTable(configuration: configuration)
        }

        mutating func act(_ action: LinkAction, on id: LinkID) {
            actions.append((id, action))
        }

        mutating func join(_ id: LinkID, _ peer: LinkPeer, now: Instant) {
            peers.append(id)
        }

        mutating func receive(_ message: Message, from id: LinkID, now: Instant) {
            guard case .open(let open) = message else { return }
            send(.close(Message.Close(request: open.request, reason: .noCapacity)), to: id, now: now)
        }

        mutating func leave(_ id: LinkID, _ record: String, _ fault: LinkFault, now: Instant) {
            losses.append((id, record, fault))
        }

        /// What was written to a link since the last time.
        mutating func written(to link: LinkID) -> ByteBuffer {
            defer { actions.removeAll { $0.id == link } }
            return actions.reduce(into: ByteBuffer()) { bytes, entry in
                if entry.id == link, case .write(let piece) = entry.action { bytes.writeImmutableBuffer(piece) }
            }
        }
    }

    private static let first = LinkID(rawValue: 1)
    private static let second = LinkID(rawValue: 2)
    private static let identity = VerifierIdentity(name: "v", incarnation: 1, fingerprint: LinkPair.fingerprint)

    private static let open = Message.open(
        Message.Open(
            request: 1,
            epoch: 0,
            base: [1, 2],
            baseHash: BaseHash([1, 2]),
            sampling: .greedy,
            credit: 1,
            limits: DraftLimits(nodes: 1, depth: 1, width: 1),
            shard: OutcomeShard(index: 0, count: 1),
            lengthLimit: 10
        )
    )

    /// A verifier's end of a link whose handshake is over.
    private static func connect(_ id: LinkID, of owner: inout Refuser) -> LinkMachine {
        var nonces = SplitMix(seed: id.rawValue)
        var verifier = LinkMachine(side: .verifier(identity), configuration: LinkConfiguration())
        _ = verifier.handle(.connected(LinkNonce(using: &nonces)), now: .zero)
        owner.links.add(id, .worker(LinkPair.hello()), "record \(id.rawValue)", now: .zero)
        owner.handle(.connected(LinkNonce(using: &nonces)), on: id, now: .zero)
        let welcome = verifier.handle(.received(owner.written(to: id)), now: .zero)
        owner.handle(.received(bytes(of: welcome)), on: id, now: .zero)
        return verifier
    }

    private static func bytes(of effects: [LinkMachine.Effect]) -> ByteBuffer {
        effects.reduce(into: ByteBuffer()) { bytes, effect in
            if case .write(let piece) = effect { bytes.writeImmutableBuffer(piece) }
        }
    }

    @Test("write in the order of their frames, also where an answer comes between two messages of one piece")
    func order() {
        var owner = Refuser()
        var verifier = Self.connect(Self.first, of: &owner)
        // The owner answers the first message, the link the second.
        var piece = Self.bytes(of: verifier.handle(.send(Self.open), now: .zero))
        let ping = Message.ping(Message.Ping(number: 1, lastReceived: 0))
        piece.writeImmutableBuffer(Self.bytes(of: verifier.handle(.send(ping), now: .zero)))
        owner.handle(.received(piece), on: Self.first, now: .zero)
        for effect in verifier.handle(.received(owner.written(to: Self.first)), now: .zero) {
            if case .close(let fault) = effect, case .malformed = fault { Issue.record("\(fault)") }
        }
    }

    @Test("end one by one, and what was kept of one comes with its end")
    func end() {
        var owner = Refuser()
        _ = Self.connect(Self.first, of: &owner)
        _ = Self.connect(Self.second, of: &owner)
        #expect(owner.peers == [Self.first, Self.second] && owner.links.count == 2)
        owner.handle(.disconnected(reason: nil), on: Self.first, now: .zero)
        #expect(owner.losses.map(\.record) == ["record 1"])
        #expect(owner.losses.first?.fault == .disconnected(reason: nil))
        #expect(owner.links.keys == [Self.second] && owner.links[Self.first] == nil)
        // What comes for a link that is gone finds nobody.
        owner.handle(.received(ByteBuffer(bytes: [0])), on: Self.first, now: .zero)
        #expect(owner.losses.count == 1)
    }

    @Test("need a timer when the first of them does, also once that one has moved on, timed out or gone")
    func deadlines() {
        var owner = Refuser()
        let limit = LinkConfiguration().handshakeTimeout
        #expect(owner.links.deadline == nil)
        let ids = (1...3).map { LinkID(rawValue: $0) }
        // The link that is made last is due first.
        let starts = [300, 200, 100].map { Instant.zero + .milliseconds($0) }
        var nonces = SplitMix(seed: 1)
        for (id, start) in zip(ids, starts) {
            owner.links.add(id, .worker(LinkPair.hello()), "", now: start)
            owner.handle(.connected(LinkNonce(using: &nonces)), on: id, now: start)
            #expect(owner.links.deadline == start + limit)
        }
        owner.handle(.disconnected(reason: nil), on: ids[2], now: starts[0])
        #expect(owner.links.deadline == starts[1] + limit)
        owner.tickLinks(now: starts[1] + limit)
        #expect(owner.losses.count == 2 && owner.links.deadline == starts[0] + limit)
        owner.tickLinks(now: starts[1] + limit)
        #expect(owner.losses.count == 2)
        owner.tickLinks(now: starts[0] + limit)
        #expect(owner.losses.count == 3 && owner.links.deadline == nil)
        _ = Self.connect(Self.first, of: &owner)
        // Once the handshake is over, pings are what is due.
        #expect(owner.links.deadline == Instant.zero + LinkConfiguration().heartbeat)
    }

    @Test("fall silent together while the compute thread stalls, those made meanwhile too, and speak again with it")
    func stall() {
        var owner = Refuser()
        var verifier = Self.connect(Self.first, of: &owner)
        owner.links.watchdog.began(now: .zero)
        let stalled = Instant.zero + owner.links.watchdog.stallLimit
        #expect(owner.links.deadline.map { $0 <= stalled } == true)
        owner.tickLinks(now: stalled)
        var late = Self.connect(Self.second, of: &owner)
        _ = owner.written(to: Self.first)
        let ping = Message.ping(Message.Ping(number: 1, lastReceived: 0))
        owner.handle(.received(Self.bytes(of: verifier.handle(.send(ping), now: .zero))), on: Self.first, now: stalled)
        owner.handle(.received(Self.bytes(of: late.handle(.send(ping), now: .zero))), on: Self.second, now: stalled)
        #expect(owner.written(to: Self.first).readableBytes == 0 && owner.written(to: Self.second).readableBytes == 0)
        owner.links.watchdog.ended()
        owner.checkWatchdog(now: stalled)
        #expect(owner.written(to: Self.first).readableBytes > 0 && owner.written(to: Self.second).readableBytes > 0)
    }
}
