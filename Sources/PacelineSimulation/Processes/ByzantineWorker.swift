import NIOCore
import PacelineCluster
import PacelineSpeculation
import PacelineWire

/// A worker that completes the handshake and then breaks the protocol. It sends trees of nonsense, stale trees and
/// trees for other requests, beyond its credit, out of order or twice. It also sends floods, noise, and messages only a
/// verifier may send.
struct ByzantineWorker {
    private struct Session {
        let seed: UInt64
        /// The base over time, the present one last.
        var marks: [BaseMark]

        var mark: BaseMark { marks[marks.count - 1] }
    }

    private var random: SplitMix
    private let ledger: ProposalLedger
    private var reader = MessageReader(phase: .handshake)
    private var writer = MessageWriter(phase: .handshake)
    private var sessions: [UInt64: Session] = [:]
    private var isEstablished = false
    private var lastTree: Message?

    init(seed: UInt64, ledger: ProposalLedger) {
        random = SplitMix(seed: seed)
        self.ledger = ledger
    }

    /// How long it waits before it acts next.
    mutating func pause(isConnected: Bool) -> Duration {
        .milliseconds(isConnected ? 1 + random.next(below: 40) : 20 + random.next(below: 300))
    }

    /// Begins a connection.
    mutating func greet() -> ByteBuffer? {
        reader = MessageReader(phase: .handshake)
        writer = MessageWriter(phase: .handshake)
        sessions = [:]
        isEstablished = false
        let hello = Message.Hello(
            name: "byzantine",
            incarnation: random.next() | 1,
            fingerprint: nil,
            capabilities: [.deltas],
            slots: 8,
            contextLength: nil
        )
        return bytes(of: .hello(hello))
    }

    mutating func receive(_ bytes: ByteBuffer) {
        reader.append(bytes)
        // It ignores what it cannot read.
        while let message = (try? reader.next())?.message {
            follow(message)
        }
    }

    private mutating func follow(_ message: Message) {
        switch message {
        case .welcome(let welcome):
            isEstablished = true
            let size = welcome.fingerprint.tokenBound(version: welcome.version)
            let phase = LinkPhase.established(limits: .maximum, vocabularySize: size, version: welcome.version)
            reader.phase = phase
            writer.phase = phase
        case .open(let open):
            let mark = BaseMark(epoch: open.epoch, length: open.baseLength, hash: open.baseHash)
            sessions[open.request] = Session(seed: open.sampling.seed, marks: [mark])
        case .verdict(let verdict):
            guard let mark = sessions[verdict.request]?.mark else { return }
            sessions[verdict.request]?.marks.append(mark.advanced(by: verdict.tokens))
        case .close(let close): sessions[close.request] = nil
        default: break
        }
    }

    /// The next misdeed.
    mutating func act() -> ByteBuffer? {
        guard isEstablished, let request = sessions.keys.sorted().randomElement(using: &random) else { return nil }
        switch random.next(below: 12) {
        case 0...3: return tree(request, nodes: 1 + random.next(below: 12))
        case 4: return tree(request, nodes: 1 + random.next(below: 12), age: 1 + random.next(below: 20))
        case 5: return tree(request, nodes: 4, isMisnamed: true)
        case 6: return tree(request, nodes: random.pick([65, 512]))
        case 7: return outOfOrder(request)
        case 8: return lastTree.flatMap { bytes(of: $0) }
        case 9: return bytes(of: .close(Message.Close(request: request, reason: .failed, detail: "so there")))
        case 10: return nonsense()
        default: return tree(request &+ 1 &+ UInt64(random.next(below: 5)), like: request)
        }
    }

    /// A tree, and more of it that begins before its end or behind it.
    private mutating func outOfOrder(_ request: UInt64) -> ByteBuffer? {
        let first = 1 + random.next(below: random.pick([3, 40]))
        guard var bytes = tree(request, nodes: 4), var more = tree(request, nodes: 3, firstNode: first) else {
            return nil
        }
        bytes.writeBuffer(&more)
        return bytes
    }

    private mutating func tree(
        _ request: UInt64,
        nodes count: Int = 4,
        age: Int = 0,
        firstNode: Int? = nil,
        isMisnamed: Bool = false,
        like model: UInt64? = nil
    ) -> ByteBuffer? {
        guard let session = sessions[model ?? request] else { return nil }
        var mark = session.marks[max(0, session.marks.count - 1 - age)]
        if isMisnamed { mark.hash.append(Token(1)) }
        let first = firstNode ?? 0
        let nodes = nonsenseNodes(count, from: first)
        // Another request may have the same base; then the tree is valid there.
        if !isMisnamed, let named = sessions[request] {
            record(nodes, from: first, below: mark, seed: named.seed)
        }
        let tree = Message.tree(
            Message.Tree(
                request: request,
                epoch: mark.epoch,
                baseLength: mark.length,
                baseHash: mark.hash,
                firstNode: first,
                nodes: nodes,
                isFinal: random.next(below: 2) == 0
            )
        )
        lastTree = tree
        return bytes(of: tree)
    }

    /// Nodes that obey the rules of a single message. Each has a token of its own, so siblings are distinct.
    private mutating func nonsenseNodes(_ count: Int, from first: Int) -> [TokenTree.Node] {
        var depths: [Int] = []
        return (0..<count).map { index in
            var parent = index == 0 ? nil : Optional(random.next(below: index))
            if let chosen = parent, depths[chosen] > 20 { parent = nil }
            depths.append((parent.map { depths[$0] } ?? 0) + 1)
            return TokenTree.Node(
                parent: parent.map { $0 + first },
                token: Token(index % 512 + 512 * random.next(below: 2)),
                logProbability: -0.001
            )
        }
    }

    private func record(_ nodes: [TokenTree.Node], from first: Int, below mark: BaseMark, seed: UInt64) {
        var hashes: [BaseHash] = []
        for node in nodes {
            var hash = node.parent.map { hashes[$0 - first] } ?? mark.hash
            ledger.record(seed: seed, prefix: hash, token: node.token)
            hash.append(node.token)
            hashes.append(hash)
        }
    }

    /// Messages that end a connection.
    private mutating func nonsense() -> ByteBuffer? {
        switch random.next(below: 4) {
        case 0: return ByteBuffer(bytes: (0..<60).map { _ in UInt8(truncatingIfNeeded: random.next()) })
        case 1: return bytes(of: .pong(Message.Pong(number: 1 << 40, lastReceived: 0)))
        case 2:
            let verdict = Message.Verdict(
                request: 1,
                epoch: 1,
                baseLength: 2,
                baseHash: BaseHash(),
                tokens: [1],
                verifiedNodes: 0,
                acceptedNodes: 0,
                credit: 1
            )
            return bytes(of: .verdict(verdict))
        default:
            var flood = ByteBuffer()
            for number in 1...UInt64(40) {
                guard var ping = bytes(of: .ping(Message.Ping(number: number, lastReceived: 0))) else { return nil }
                flood.writeBuffer(&ping)
            }
            return flood
        }
    }

    private mutating func bytes(of message: Message) -> ByteBuffer? {
        var buffer = ByteBuffer()
        // It does not send what cannot be encoded.
        guard (try? writer.write(message, into: &buffer)) != nil else { return nil }
        return buffer
    }
}
