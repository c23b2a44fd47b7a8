import NIOCore
import PacelineSpeculation

@testable import PacelineCluster
@testable import PacelineWire

/// Feeds what a stranger might say to links in every state of the handshake, and holds what they do to account. A trap
/// ends the process; everything else that must not happen is a finding. Everything follows from the seed.
struct LinkFuzzer {
    struct Finding: Error, CustomStringConvertible {
        var reason: String
        var start: Start
        var heard: [[UInt8]]

        var description: String {
            let bytes = heard.map { $0.map { String($0, radix: 16) }.joined(separator: " ") }.joined(separator: " | ")
            return "\(reason), from \(start), having heard \(bytes)"
        }
    }

    /// Where the stranger comes in.
    enum Start: CaseIterable {
        case verifierAwaitsHello, verifierAwaitsProof, workerAwaitsChallenge, workerAwaitsProof
        /// Without a token anybody may come in, and nothing may trap then either.
        case openVerifier, openWorker, establishedVerifier, establishedWorker

        var isGuarded: Bool {
            switch self {
            case .verifierAwaitsHello, .verifierAwaitsProof, .workerAwaitsChallenge, .workerAwaitsProof: true
            default: false
            }
        }
    }

    private static let piece = 512
    private let golden: [Frame]
    private let fitting: [Frame]
    private var random: SplitMix
    /// Ends that links have come to, without their numbers.
    private(set) var outcomes: Set<String> = []
    private(set) var establishments = 0

    init(seed: UInt64) throws {
        random = SplitMix(seed: seed)
        golden = try GoldenFrames.frames(in: "authenticated") + GoldenFrames.frames(in: "exchange")
        fitting = try Self.invitations.flatMap { try WireTap.frames(in: try WireTap.frame($0)) }
    }

    /// Messages of a peer that would suit, were it not for the token.
    private static let invitations: [Message] = {
        var asking = LinkPair.hello()
        asking.nonce = [UInt8](repeating: 1, count: 32)
        let welcome = Message.Welcome(
            version: 1,
            name: "stranger",
            incarnation: 9,
            fingerprint: LinkPair.fingerprint,
            capabilities: []
        )
        return [.hello(LinkPair.hello()), .hello(asking), .welcome(welcome)]
    }()

    /// One conversation with a stranger.
    mutating func execute() throws {
        let start = Start.allCases[random.next(below: Start.allCases.count)]
        var (machine, sequence) = prepare(start)
        var heard: [[UInt8]] = []
        var now = Instant.zero
        for _ in 0...random.next(below: 6) {
            var rest = say(&sequence)
            heard.append(Array(rest.readableBytesView))
            while let piece = rest.readSlice(length: min(rest.readableBytes, 1 + random.next(below: Self.piece))),
                piece.readableBytes > 0
            {
                try check(machine.handle(.received(piece), now: now), by: &machine, start, heard)
            }
            if random.next(below: 8) == 0 {
                now = now + .milliseconds(random.next(below: 900))
                try check(machine.handle(.timer, now: now), by: &machine, start, heard)
            }
        }
        // Nothing more comes, and nothing is taken.
        for _ in 0..<100 where !machine.isClosed {
            now = max(now, machine.deadline ?? now)
            try check(machine.handle(.timer, now: now), by: &machine, start, heard)
        }
        guard machine.isClosed else {
            throw Finding(reason: "it is open although its peer is silent", start: start, heard: heard)
        }
        guard machine.handle(.received(ByteBuffer(bytes: [0])), now: now).isEmpty, machine.deadline == nil else {
            throw Finding(reason: "it goes on after its end", start: start, heard: heard)
        }
    }

    private mutating func check(
        _ effects: [LinkMachine.Effect],
        by machine: inout LinkMachine,
        _ start: Start,
        _ heard: [[UInt8]]
    ) throws {
        for effect in effects {
            switch effect {
            case .established:
                if start.isGuarded { throw Finding(reason: "a stranger was let in", start: start, heard: heard) }
                establishments += 1
            case .deliver(let message):
                if start.isGuarded { throw Finding(reason: "\(message.type) got through", start: start, heard: heard) }
            case .close(let fault): outcomes.insert("\(start) \(fault.description.filter { !$0.isNumber })")
            case .write, .pauseReading, .resumeReading: break
            }
        }
        let cap = WireLimits.handshakePayload + FrameHeader.byteCount + Self.piece
        let held = machine.codec.reader.buffer.readableBytes
        if start.isGuarded, held > cap {
            throw Finding(reason: "it holds \(held) bytes", start: start, heard: heard)
        }
    }

    /// A link at a state, and the number of the frame that it expects.
    private mutating func prepare(_ start: Start) -> (LinkMachine, UInt64) {
        let token = start.isGuarded ? AuthenticationTests.secret : nil
        var pair = LinkPair(tokens: (token, token), nonceSeed: random.next())
        pair.connect()
        switch start {
        case .verifierAwaitsHello, .openVerifier: return (pair.verifier, 1)
        case .workerAwaitsChallenge, .openWorker: return (pair.worker, 1)
        case .verifierAwaitsProof:
            _ = pair.deliver(to: .verifier)
            return (pair.verifier, 2)
        case .workerAwaitsProof:
            _ = pair.deliver(to: .verifier)
            _ = pair.deliver(to: .worker)
            return (pair.worker, 2)
        case .establishedVerifier:
            pair.settle()
            return (pair.verifier, 2)
        case .establishedWorker:
            pair.settle()
            return (pair.worker, 2)
        }
    }

    /// A frame as it might come: golden, changed with checksums that hold, with bits flipped that do not, or noise.
    private mutating func say(_ sequence: inout UInt64) -> ByteBuffer {
        let frames = random.next(below: 3) == 0 ? fitting : golden
        var frame = frames[random.next(below: frames.count)]
        frame.sequence = random.next(below: 20) == 0 ? random.next() : sequence
        sequence += 1
        switch random.next(below: 8) {
        case 0:
            return ByteBuffer(
                bytes: (0..<random.next(below: 600)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            )
        case 1, 2: return frame.encoded
        case 3:
            var bytes = Array(frame.encoded.readableBytesView)
            for _ in 0...random.next(below: 4) { flip(&bytes) }
            return ByteBuffer(bytes: bytes)
        default:
            var bytes = Array(frame.payload.readableBytesView)
            for _ in 0...random.next(below: 4) { flip(&bytes) }
            frame.payload = ByteBuffer(bytes: bytes)
            return frame.encoded
        }
    }

    private mutating func flip(_ bytes: inout [UInt8]) {
        guard !bytes.isEmpty else { return }
        bytes[random.next(below: bytes.count)] ^= UInt8(truncatingIfNeeded: random.next())
    }
}
