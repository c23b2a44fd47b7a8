import NIOCore
import PacelineSimulation
import PacelineSpeculation
import PacelineWire

@testable import PacelineCluster

/// A worker's machine and the verifiers' ends of its links, joined by hand.
struct VerifierGroup {
    private(set) var worker: WorkerMachine
    /// Which verifier answers at an address, by its process life. Two addresses may lead to one.
    var lives: [Endpoint: UInt64]
    private(set) var now = Instant.zero
    private(set) var notes: [WorkerNote] = []
    private(set) var isDrained = false
    private(set) var refusal: LinkFault?
    /// What each link's verifier was told.
    private(set) var heard: [LinkID: [Message]] = [:]
    private(set) var attempts: [Endpoint] = []
    /// What the worker's compute thread was given to do.
    private(set) var turns: [DraftJob.Turn] = []
    /// Whether the end of an older link overtakes the welcome on the newer one, as it may on two connections.
    var fencesFirst = false
    private var ends: [LinkID: (endpoint: Endpoint, life: UInt64, machine: LinkMachine)] = [:]
    private var nonces = SplitMix(seed: 1)

    /// - Parameters:
    ///   - ports: of the verifiers, each a process of its own.
    ///   - features: what the worker's drafters read.
    init(_ ports: [Int], slots: Int = 4, features: FeatureDemand? = nil) {
        var configuration = WorkerConfiguration(name: "worker", fingerprint: nil)
        (configuration.slots, configuration.features) = (slots, features)
        let endpoints = ports.map(Self.endpoint)
        worker = WorkerMachine(configuration: configuration, verifiers: endpoints, incarnation: 99, seed: 1)
        lives = Dictionary(uniqueKeysWithValues: ports.map { (Self.endpoint($0), UInt64($0)) })
        tell(.timer)
    }

    static func endpoint(_ port: Int) -> Endpoint { Endpoint(host: "verifier", port: port) }

    mutating func tell(_ event: WorkerMachine.Event) {
        for effect in worker.handle(event, now: now) {
            switch effect {
            case .connect(let endpoint, let link): connect(endpoint, link)
            case .link(let link, .write(let bytes)):
                act(on: link) { $0.handle(.received(bytes), now: $1) }
                tell(.link(link, .flushed(bytes: bytes.readableBytes)))
            case .link(let link, .close): ends[link] = nil
            case .note(let note): notes.append(note)
            case .refused(let fault): refusal = fault
            case .drained: isDrained = true
            case .draft(let job):
                if let turn = job.turn { turns.append(turn) }
                // Drafters that find nothing.
                let result = job.turn.map { turn in
                    let isFirst = turn.opening != nil || !turn.committed.isEmpty
                    return DraftResult(
                        session: turn.session,
                        outcome: isFirst ? .restarted([], isFinal: true) : .grew([], isFinal: true)
                    )
                }
                tell(.drafted(result))
            case .link: break
            }
        }
    }

    /// Lets time pass, to every deadline on the way.
    mutating func pass(_ time: Duration) {
        let end = now + time
        while let deadline = nextDeadline, deadline <= end {
            now = max(now, deadline)
            tell(.timer)
            for link in ends.keys.sorted() { act(on: link) { $0.handle(.timer, now: $1) } }
        }
        now = end
    }

    /// Sends a message over the link to a verifier.
    mutating func say(_ message: Message, from port: Int) {
        for link in links(to: port) { act(on: link) { $0.handle(.send(message), now: $1) } }
    }

    /// Links that lead to a verifier, oldest first.
    func links(to port: Int) -> [LinkID] {
        ends.filter { $0.value.endpoint == Self.endpoint(port) }.keys.sorted()
    }

    /// Opens a request at the worker.
    mutating func open(_ request: UInt64, from port: Int, credit: Int = 8) {
        let base: [Token] = [1, 2, 3]
        let open = Message.Open(
            request: request,
            epoch: 0,
            base: base,
            baseHash: BaseHash(base),
            sampling: .greedy,
            credit: credit,
            limits: DraftLimits(nodes: 8, depth: 4, width: 2),
            lengthLimit: 100
        )
        say(.open(open), from: port)
    }

    /// The verifier's process dies.
    mutating func kill(_ port: Int) {
        let links = links(to: port)
        lives[Self.endpoint(port)] = nil
        for link in links {
            ends[link] = nil
            tell(.link(link, .disconnected(reason: nil)))
        }
    }

    var connectedPorts: [Int] { ends.values.filter { $0.machine.peer != nil }.map(\.endpoint.port).sorted() }

    /// Which verifiers were told to do without the worker.
    func drains(on link: LinkID) -> Int {
        heard[link, default: []].count { if case .drain = $0 { true } else { false } }
    }

    private var nextDeadline: Instant? {
        ([worker.deadline] + ends.values.map(\.machine.deadline)).compactMap { $0 }.min()
    }

    private mutating func connect(_ endpoint: Endpoint, _ link: LinkID) {
        attempts.append(endpoint)
        guard let life = lives[endpoint] else { return tell(.link(link, .unreachable(.refused))) }
        let fingerprint = MockText.fingerprint(of: "target")
        let identity = VerifierIdentity(
            name: "verifier",
            incarnation: life,
            fingerprint: fingerprint,
            featureLayers: 4
        )
        ends[link] = (endpoint, life, LinkMachine(side: .verifier(identity), configuration: LinkConfiguration()))
        let (one, other) = (LinkNonce(using: &nonces), LinkNonce(using: &nonces))
        act(on: link) { $0.handle(.connected(one), now: $1) }
        tell(.link(link, .connected(other)))
    }

    private mutating func act(on link: LinkID, _ body: (inout LinkMachine, Instant) -> [LinkMachine.Effect]) {
        guard var end = ends[link] else { return }
        let effects = body(&end.machine, now)
        ends[link] = end
        let isEstablished = effects.contains { if case .established = $0 { true } else { false } }
        if isEstablished, fencesFirst { fence(besides: link, end.life) }
        for effect in effects {
            switch effect {
            case .write(let bytes):
                tell(.link(link, .received(bytes)))
                act(on: link) { $0.handle(.flushed(bytes: bytes.readableBytes), now: $1) }
            case .deliver(let message): heard[link, default: []].append(message)
            case .established: fence(besides: link, end.life)
            case .close: ends[link] = nil
            case .pauseReading, .resumeReading: break
            }
        }
    }

    /// A verifier keeps the newest link of a worker.
    private mutating func fence(besides link: LinkID, _ life: UInt64) {
        for other in ends.keys.sorted() where other != link && ends[other]?.life == life {
            act(on: other) { $0.handle(.abort(.superseded), now: $1) }
        }
    }
}
