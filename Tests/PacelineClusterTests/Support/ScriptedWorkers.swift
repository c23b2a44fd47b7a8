import NIOCore
import PacelineModel
import PacelineSimulation
import PacelineSpeculation
import PacelineWire

@testable import PacelineCluster

/// A verifier's machine with the mock target, and workers that say what a test likes, message by message. Bytes arrive
/// at once; time passes only as the cost curve says.
final class ScriptedWorkers {
    private struct Peer {
        var reader = MessageReader(phase: .handshake)
        var writer = MessageWriter(phase: .handshake)
        /// What the verifier has said since it was last asked for.
        var heard: [Message] = []
        /// The present base of each open request.
        var marks: [UInt64: BaseMark] = [:]
        var readsNothing = false
        /// Which features its hello asks for.
        var features: FeatureDemand?
    }

    private(set) var machine: VerifierMachine
    private(set) var tokens: [RequestID: [Token]] = [:]
    private(set) var faults: [LinkID: LinkFault] = [:]
    private(set) var refusals: [String] = []
    private(set) var now = Instant.zero
    private var peers: [LinkID: Peer] = [:]
    private let runner = PassRunner(engine: MockTarget())
    private let costs: CostCurve
    private var pass: Pass?
    private var posts: [VerifierMachine.Event] = []
    private var nonces = SplitMix(seed: 3)
    private var lastLink: UInt64 = 0
    private var lastRequest: UInt64 = 0

    init(_ adjust: (inout VerifierConfiguration) -> Void = { _ in }) throws {
        var configuration = VerifierConfiguration()
        // Nobody here sends heartbeats.
        (configuration.link.heartbeat, configuration.link.deadAfter) = (.seconds(60), .seconds(600))
        adjust(&configuration)
        costs = try .mock()
        machine = VerifierMachine(configuration: configuration, target: .mock(), costs: costs, incarnation: 1)
    }

    // MARK: Workers

    func connect(
        from host: String = "10.0.0.1",
        incarnation: UInt64,
        readsNothing: Bool = false,
        versions: ClosedRange<Int> = WireLimits.protocolVersions,
        capabilities: LinkCapabilities = [.deltas],
        features: FeatureDemand? = nil
    ) throws -> LinkID {
        lastLink += 1
        let id = LinkID(rawValue: lastLink)
        peers[id] = Peer(features: features)
        tell(.accepted(id, host: host, nonce: LinkNonce(using: &nonces)))
        let hello = Message.Hello(
            versions: versions,
            name: "scripted",
            incarnation: incarnation,
            fingerprint: nil,
            capabilities: features == nil ? capabilities : capabilities.union(.features),
            slots: 8,
            features: features
        )
        try send(.hello(hello), from: id)
        peers[id]?.readsNothing = readsNothing
        return id
    }

    func disconnect(_ id: LinkID) {
        tell(.link(id, .disconnected(reason: nil)))
    }

    /// Has a worker say something, unless its connection is closed.
    func send(_ message: Message, from id: LinkID) throws {
        guard faults[id] == nil else { return }
        var bytes = ByteBuffer()
        try peers[id]?.writer.write(message, into: &bytes)
        tell(.link(id, .received(bytes)))
        // What is beyond a turn waits for the next one.
        while let due = machine.deadline, due <= now + .milliseconds(1) {
            now = max(now, due)
            tell(.timer)
        }
    }

    /// A tree of children of a request's present base.
    func send(_ children: [Token], below request: RequestID, from id: LinkID, firstNode: Int = 0) throws {
        guard let mark = peers[id]?.marks[request.rawValue] else { return }
        let nodes = children.map { TokenTree.Node(parent: nil, token: $0, logProbability: -0.001) }
        let tree = Message.Tree(
            request: request.rawValue,
            epoch: mark.epoch,
            baseLength: mark.length,
            baseHash: mark.hash,
            firstNode: firstNode,
            nodes: nodes,
            isFinal: true
        )
        try send(.tree(tree), from: id)
    }

    /// What a worker has heard since this was asked last.
    func hear(_ id: LinkID) -> [Message] {
        defer { peers[id]?.heard = [] }
        return peers[id]?.heard ?? []
    }

    /// What the verifier knows of a worker that is connected.
    func record(of id: LinkID) -> WorkerRecord? { machine.links[id]?.worker }

    func snapshot(of id: LinkID) -> VerifierSnapshot.Worker? { machine.snapshot.workers.first { $0.id == id } }

    // MARK: Requests

    func submit(
        _ prompt: [Token],
        seed: UInt64 = 9,
        count: Int,
        constraint: Constraint? = nil
    ) -> RequestID {
        lastRequest += 1
        let id = RequestID(rawValue: lastRequest)
        tokens[id] = []
        let sampling = SamplingParameters(seed: seed)
        var request = GenerationRequest(prompt: prompt, sampling: sampling, maximumTokens: count)
        request.constraint = constraint
        tell(.submit(id, request))
        return id
    }

    /// Goes on until the next pass has ended, or nothing is left to do.
    func step() throws {
        while pass == nil, !machine.isIdle, let due = machine.deadline {
            now = max(now, due)
            tell(.timer)
        }
        guard let pass else { return }
        self.pass = nil
        let milliseconds = costs.milliseconds(rows: pass.rows)
        now = now + .fromMilliseconds(milliseconds)
        tell(.timer)
        tell(.passFinished(try runner.run(pass, progress: ComputeProgress()), milliseconds: milliseconds))
    }

    /// Lets time pass.
    func wait(_ duration: Duration) {
        let end = now + duration
        while let due = machine.deadline, due <= end {
            now = max(now, due)
            tell(.timer)
        }
        now = end
    }

    func tell(_ event: VerifierMachine.Event) {
        posts.append(event)
        // What follows from an event comes after all that it does itself.
        guard posts.count == 1 else { return }
        while let next = posts.first {
            perform(machine.handle(next, now: now))
            posts.removeFirst()
        }
    }

    private func perform(_ effects: [VerifierMachine.Effect]) {
        for effect in effects {
            switch effect {
            case .link(let id, .write(let bytes)): hear(bytes, at: id)
            case .run(let pass): self.pass = pass
            case .emit(let id, .tokens(let piece)): tokens[id]? += piece.tokens
            case .note(.linkClosed(let id, _, let fault)): faults[id] = fault
            case .note(.treeRefused(_, _, let reason)): refusals.append(reason)
            default: break
            }
        }
    }

    private func hear(_ bytes: ByteBuffer, at id: LinkID) {
        guard var peer = peers[id], !peer.readsNothing else { return }
        peer.reader.append(bytes)
        while let message = (try? peer.reader.next())?.message {
            peer.heard.append(message)
            switch message {
            case .welcome(let welcome):
                let size = welcome.fingerprint.tokenBound(version: welcome.version)
                let phase = LinkPhase.established(
                    limits: .maximum,
                    vocabularySize: size,
                    version: welcome.version,
                    features: welcome.capabilities.contains(.features) ? peer.features : nil
                )
                (peer.reader.phase, peer.writer.phase) = (phase, phase)
            case .open(let open):
                peer.marks[open.request] = BaseMark(epoch: open.epoch, length: open.baseLength, hash: open.baseHash)
            case .verdict(let verdict):
                peer.marks[verdict.request] = peer.marks[verdict.request]?.advanced(by: verdict.tokens)
            case .close(let close): peer.marks[close.request] = nil
            default: break
            }
        }
        peers[id] = peer
        tell(.link(id, .flushed(bytes: bytes.readableBytes)))
    }
}
